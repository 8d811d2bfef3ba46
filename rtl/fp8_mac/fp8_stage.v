// fp8_stage: a register with enable when ENABLED, a wire when not. Latency: ENABLED cycles.
`default_nettype none
module fp8_stage #(
    parameter WIDTH   = 32,  // bits
    parameter ENABLED = 1    // 1: register, 0: wire
) (
    input  wire             clk_i,
    input  wire             step_i,
    input  wire [WIDTH-1:0] data_i,
    output wire [WIDTH-1:0] data_o
);
    generate
        if (ENABLED != 0) begin : registered
            reg [WIDTH-1:0] held;
            always @(posedge clk_i) if (step_i) held <= data_i;
            assign data_o = held;
        end else begin : passed
            wire unused = clk_i ^ step_i;
            assign data_o = data_i;
        end
    endgenerate
endmodule
`default_nettype wire
