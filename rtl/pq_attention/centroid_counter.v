// Counts through SUB_SPACES x 2**CODE_BITS centroids, the code fastest, and wraps. Multipliers: 0.
module centroid_counter #(
    parameter SUB_SPACES = 4,
    parameter SPACE_WIDTH = 2,
    parameter CODE_BITS = 8
) (
    input  wire                   clk_i,
    input  wire                   clear_i,
    input  wire                   step_i,
    output reg  [SPACE_WIDTH-1:0] space_o,
    output reg  [CODE_BITS-1:0]   code_o
);
    localparam [SPACE_WIDTH-1:0] ONE_SPACE = 1;
    localparam [CODE_BITS-1:0] ONE_CODE = 1;
    wire last_code;
    assign last_code = &code_o;
    always @(posedge clk_i) begin
        if (clear_i) begin
            space_o <= {SPACE_WIDTH{1'b0}};
            code_o <= {CODE_BITS{1'b0}};
        end else if (step_i) begin
            code_o <= code_o + ONE_CODE;
            if (last_code)
                space_o <= ({{(32-SPACE_WIDTH){1'b0}}, space_o} == SUB_SPACES - 1) ? {SPACE_WIDTH{1'b0}}
                                                                                 : space_o + ONE_SPACE;
        end
    end
endmodule
