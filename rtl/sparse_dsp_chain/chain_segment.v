// A cascade of LENGTH DSPs: p_o = sum of a[i] * b[i]. DSP i works i cycles after DSP 0, so its operands wait i cycles.
// Latency: LATENCY >= LENGTH cycles (a short segment waits for the long ones). Multipliers: LENGTH.
module chain_segment #(
    parameter LENGTH = 7,    // DSPs
    parameter LATENCY = 7,   // cycles, at least LENGTH
    parameter A_WIDTH = 27,  // signed operand of the multiplier: one activation or two packed ones
    parameter B_WIDTH = 8,   // signed weight
    parameter P_WIDTH = 48   // signed cascade
) (
    input  wire                      clk_i,
    input  wire                      enable_i,
    input  wire [LENGTH*A_WIDTH-1:0] a_i,
    input  wire [LENGTH*B_WIDTH-1:0] b_i,
    output wire [P_WIDTH-1:0]        p_o
);
    wire [P_WIDTH-1:0] cascade [0:LENGTH];
    assign cascade[0] = {P_WIDTH{1'b0}};
    genvar place;
    generate
        for (place = 0; place < LENGTH; place = place + 1) begin : g_dsp
            wire [A_WIDTH+B_WIDTH-1:0] operands;
            operand_delay #(
                .WIDTH(A_WIDTH + B_WIDTH), .DEPTH(place)
            ) skew (
                .clk_i(clk_i),
                .enable_i(enable_i),
                .data_i({a_i[place*A_WIDTH +: A_WIDTH], b_i[place*B_WIDTH +: B_WIDTH]}),
                .data_o(operands)
            );
            dsp_slice #(
                .A_WIDTH(A_WIDTH), .B_WIDTH(B_WIDTH), .P_WIDTH(P_WIDTH)
            ) dsp (
                .clk_i(clk_i),
                .enable_i(enable_i),
                .a_i(operands[B_WIDTH +: A_WIDTH]),
                .b_i(operands[0 +: B_WIDTH]),
                .p_i(cascade[place]),
                .p_o(cascade[place+1])
            );
        end
    endgenerate
    operand_delay #(
        .WIDTH(P_WIDTH), .DEPTH(LATENCY - LENGTH)
    ) wait_for_the_long (
        .clk_i(clk_i),
        .enable_i(enable_i),
        .data_i(cascade[LENGTH]),
        .data_o(p_o)
    );
endmodule
