// One DSP of the cascade: p_o = p_i + a_i * b_i, registered (a DSP48E2 with its P register and PCIN to PCOUT).
// Latency 1 cycle. Multipliers: 1.
module dsp_slice #(
    parameter A_WIDTH = 27,  // signed
    parameter B_WIDTH = 8,   // signed
    parameter P_WIDTH = 48   // signed
) (
    input  wire                      clk_i,
    input  wire                      enable_i,
    input  wire signed [A_WIDTH-1:0] a_i,
    input  wire signed [B_WIDTH-1:0] b_i,
    input  wire signed [P_WIDTH-1:0] p_i,
    output wire signed [P_WIDTH-1:0] p_o
);
    wire signed [A_WIDTH+B_WIDTH-1:0] product;
    wire signed [P_WIDTH-1:0] wide;
    reg  signed [P_WIDTH-1:0] sum;
    assign product = a_i * b_i;
    assign wide = {{(P_WIDTH-A_WIDTH-B_WIDTH){product[A_WIDTH+B_WIDTH-1]}}, product};
    assign p_o = sum;
    always @(posedge clk_i) if (enable_i) sum <= p_i + wide;
endmodule
