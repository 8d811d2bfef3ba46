// Processing element, output-stationary: accumulates a * b, hands its sum to the drain chain after the last beat.
// The sum is in drain_o one edge after the last beat. Multipliers: 1. Signed two's complement, wraps around.
module pe_output_stationary #(
    parameter OPERAND_BITS     = 8,  // bits of each operand
    parameter ACCUMULATOR_BITS = 32  // bits of the sum, at least 2 * OPERAND_BITS
) (
    input  wire                               clk_i,
    input  wire                               rst_i,
    input  wire                               enable_i,
    input  wire                               valid_i,
    input  wire                               last_i,
    input  wire                               shift_i,
    input  wire signed [OPERAND_BITS-1:0]     a_i,
    input  wire signed [OPERAND_BITS-1:0]     b_i,
    input  wire        [ACCUMULATOR_BITS-1:0] drain_i,
    output reg                                valid_o,
    output reg                                last_o,
    output reg                                shift_o,
    output reg  signed [OPERAND_BITS-1:0]     a_o,
    output reg  signed [OPERAND_BITS-1:0]     b_o,
    output reg         [ACCUMULATOR_BITS-1:0] drain_o
);
    reg signed [ACCUMULATOR_BITS-1:0] accumulator;
    wire signed [2*OPERAND_BITS-1:0] product = a_i * b_i;
    wire signed [ACCUMULATOR_BITS-1:0] extended =
        {{(ACCUMULATOR_BITS-2*OPERAND_BITS+1){product[2*OPERAND_BITS-1]}}, product[2*OPERAND_BITS-2:0]};
    wire signed [ACCUMULATOR_BITS-1:0] sum = accumulator + extended;

    always @(posedge clk_i)
        if (rst_i) begin
            valid_o     <= 1'b0;
            last_o      <= 1'b0;
            shift_o     <= 1'b0;
            accumulator <= {ACCUMULATOR_BITS{1'b0}};
        end else if (enable_i) begin
            valid_o <= valid_i;
            last_o  <= last_i;
            shift_o <= shift_i;
            if (valid_i) accumulator <= last_i ? {ACCUMULATOR_BITS{1'b0}} : sum;
        end

    always @(posedge clk_i)
        if (enable_i) begin
            a_o <= a_i;
            b_o <= b_i;
            if (valid_i && last_i) drain_o <= sum;
            else if (shift_i) drain_o <= drain_i;
        end
endmodule
