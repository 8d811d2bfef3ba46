// Delays a word by DEPTH enabled cycles; no reset, the valid flag travels beside. Multipliers: 0.
module operand_delay #(
    parameter WIDTH = 8,  // bits
    parameter DEPTH = 1   // cycles, 0 for a wire
) (
    input  wire             clk_i,
    input  wire             enable_i,
    input  wire [WIDTH-1:0] data_i,
    output wire [WIDTH-1:0] data_o
);
    generate
        if (DEPTH == 0) begin : g_wire
            wire unused = &{1'b0, clk_i, enable_i};
            assign data_o = data_i;
        end else if (DEPTH == 1) begin : g_one
            reg [WIDTH-1:0] word;
            always @(posedge clk_i) if (enable_i) word <= data_i;
            assign data_o = word;
        end else begin : g_many
            reg [WIDTH*DEPTH-1:0] words;
            always @(posedge clk_i) if (enable_i) words <= {words[WIDTH*(DEPTH-1)-1:0], data_i};
            assign data_o = words[WIDTH*DEPTH-1 -: WIDTH];
        end
    endgenerate
endmodule
