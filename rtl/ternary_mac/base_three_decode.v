// Reads the first DIGITS of five ternary digits out of one byte: each digit is the carry of 3 x remainder, less one.
// Combinational. Multipliers: 0 (3 x = x + 2 x).
module base_three_decode #(
    parameter DIGITS = 5  // digits wanted, 1 to 5
) (
    input  wire [7:0]          byte_i,
    output reg  [2*DIGITS-1:0] digits_o
);
    reg [9:0] triple;
    integer digit;
    always @(*) begin
        triple = {2'b00, byte_i};
        digits_o = {2*DIGITS{1'b0}};
        for (digit = 0; digit < DIGITS; digit = digit + 1) begin
            triple = {2'b00, triple[7:0]} + {1'b0, triple[7:0], 1'b0};
            // carry 0, 1, 2 means -1, 0, +1: two's complement 11, 00, 01
            digits_o[2*digit +: 2] = triple[9:8] - 2'd1;
        end
    end
endmodule
