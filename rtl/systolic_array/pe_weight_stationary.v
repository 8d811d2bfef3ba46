// Processing element, weight-stationary: partial sum from above + activation * weight, registered.
// The weight is double-buffered: write_i fills the shadow, first_i makes it the active one. Multipliers: 1.
module pe_weight_stationary #(
    parameter OPERAND_BITS     = 8,   // bits of each operand
    parameter ACCUMULATOR_BITS = 32,  // bits of the sum, at least 2 * OPERAND_BITS
    parameter BYPASS           = 0    // 1: a weight may be used in the cycle that writes it (one row)
) (
    input  wire                               clk_i,
    input  wire                               enable_i,
    input  wire                               first_i,
    input  wire                               write_i,
    input  wire signed [OPERAND_BITS-1:0]     weight_i,
    input  wire signed [OPERAND_BITS-1:0]     a_i,
    input  wire signed [ACCUMULATOR_BITS-1:0] sum_i,
    output reg  signed [OPERAND_BITS-1:0]     a_o,
    output reg  signed [ACCUMULATOR_BITS-1:0] sum_o
);
    reg signed [OPERAND_BITS-1:0] shadow;
    reg signed [OPERAND_BITS-1:0] active;
    wire signed [OPERAND_BITS-1:0] next = (BYPASS == 1 && write_i) ? weight_i : shadow;
    wire signed [OPERAND_BITS-1:0] weight = first_i ? next : active;
    wire signed [2*OPERAND_BITS-1:0] product = a_i * weight;
    wire signed [ACCUMULATOR_BITS-1:0] extended =
        {{(ACCUMULATOR_BITS-2*OPERAND_BITS+1){product[2*OPERAND_BITS-1]}}, product[2*OPERAND_BITS-2:0]};

    always @(posedge clk_i)
        if (enable_i) begin
            if (write_i) shadow <= weight_i;
            active <= weight;
            a_o    <= a_i;
            sum_o  <= sum_i + extended;
        end
endmodule
