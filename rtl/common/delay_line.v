// Delay line: data_o is data_i of DEPTH enabled clock edges ago. DEPTH = 0 is a wire.
// Registers: WIDTH * DEPTH. With RESET = 1 the content is cleared by rst_i (for control bits).
module delay_line #(
    parameter WIDTH = 8,  // bits
    parameter DEPTH = 1,  // enabled edges, 0 or more
    parameter RESET = 0   // 1: cleared by rst_i
) (
    input  wire             clk_i,
    input  wire             rst_i,
    input  wire             enable_i,
    input  wire [WIDTH-1:0] data_i,
    output wire [WIDTH-1:0] data_o
);
    generate
        if (DEPTH == 0) begin : g_wire
            wire unused = &{1'b0, clk_i, rst_i, enable_i};
            assign data_o = data_i;
        end else begin : g_line
            reg [WIDTH*DEPTH-1:0] line;
            wire [WIDTH*(DEPTH+1)-1:0] chain = {line, data_i};
            assign data_o = chain[WIDTH*DEPTH +: WIDTH];
            if (RESET == 1) begin : g_reset
                always @(posedge clk_i)
                    if (rst_i) line <= {(WIDTH*DEPTH){1'b0}};
                    else if (enable_i) line <= chain[WIDTH*DEPTH-1:0];
            end else begin : g_plain
                wire unused = &{1'b0, rst_i};
                always @(posedge clk_i)
                    if (enable_i) line <= chain[WIDTH*DEPTH-1:0];
            end
        end
    endgenerate
endmodule
