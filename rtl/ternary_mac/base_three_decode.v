// Reads the first DIGITS of five ternary digits out of one byte: each digit is the carry of 3 x remainder, less one.
// Combinational. Multipliers: 0 (3 x = x + 2 x).
module base_three_decode #(
    parameter DIGITS = 5  // digits wanted, 1 to 5
) (
    input  wire [7:0]          byte_i,
    output wire [2*DIGITS-1:0] digits_o
);
    wire [8*DIGITS-1:0] remainders;
    genvar digit;
    generate
        for (digit = 0; digit < DIGITS; digit = digit + 1) begin : g_digit
            wire [7:0] remainder;
            wire [9:0] triple;
            if (digit == 0) begin : g_first
                assign remainder = byte_i;
            end else begin : g_next
                assign remainder = remainders[8*(digit-1) +: 8];
            end
            assign triple = {2'b00, remainder} + {1'b0, remainder, 1'b0};
            assign remainders[8*digit +: 8] = triple[7:0];
            // carry 0, 1, 2 means -1, 0, +1: two's complement 11, 00, 01
            assign digits_o[2*digit +: 2] = triple[9:8] - 2'd1;
        end
    endgenerate
    wire unused = &{1'b0, remainders[8*DIGITS-1 -: 8]};
endmodule
