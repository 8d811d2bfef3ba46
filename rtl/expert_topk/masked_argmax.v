// The largest signed score among the candidates, the lowest index where several are equal.
// Combinational. Multipliers: 0.
module masked_argmax #(
    parameter EXPERTS = 8,      // scores
    parameter SCORE_WIDTH = 8,  // bits of a signed score
    parameter INDEX_WIDTH = 3   // bits of an index
) (
    input  wire [EXPERTS*SCORE_WIDTH-1:0] scores_i,
    input  wire [EXPERTS-1:0]             candidates_i,
    output reg                            found_o,
    output reg  [INDEX_WIDTH-1:0]         index_o,
    output reg  [SCORE_WIDTH-1:0]         score_o
);
    integer expert;
    reg [SCORE_WIDTH-1:0] score;
    always @(*) begin
        found_o = 1'b0;
        index_o = {INDEX_WIDTH{1'b0}};
        score_o = {SCORE_WIDTH{1'b0}};
        score = {SCORE_WIDTH{1'b0}};
        for (expert = 0; expert < EXPERTS; expert = expert + 1) begin
            score = scores_i[expert*SCORE_WIDTH +: SCORE_WIDTH];
            if (candidates_i[expert] && (!found_o || $signed(score) > $signed(score_o))) begin
                found_o = 1'b1;
                index_o = expert[INDEX_WIDTH-1:0];
                score_o = score;
            end
        end
    end
endmodule
