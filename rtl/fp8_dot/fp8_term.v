// fp8_term: the exact product of two FP8 operands as a signed integer in units of 2^-(unit of a + unit of b).
//
// A 4 x 4 bit multiplier and a shifter. Combinational. See fp8_decode for the units.
`default_nettype none
module fp8_term #(
    parameter E5M2  = 1,  // 1: E5M2 operands too (65 bits); 0: E4M3 only (37 bits)
    parameter WIDTH = 65  // bits of the term
) (
    input  wire [7:0]       a_i,
    input  wire [7:0]       b_i,
    input  wire [1:0]       a_format_i,
    input  wire [1:0]       b_format_i,
    output wire [WIDTH-1:0] term_o,
    output wire             nan_o,
    output wire             plus_infinite_o,
    output wire             minus_infinite_o
);
    wire       a_sign, b_sign, a_zero, b_zero, a_infinite, b_infinite, a_nan, b_nan;
    wire [3:0] a_significand, b_significand;
    wire [4:0] a_shift, b_shift;

    fp8_decode a_decode (
        .code_i(a_i), .format_i(a_format_i), .sign_o(a_sign), .significand_o(a_significand), .shift_o(a_shift),
        .zero_o(a_zero), .infinite_o(a_infinite), .nan_o(a_nan)
    );
    fp8_decode b_decode (
        .code_i(b_i), .format_i(b_format_i), .sign_o(b_sign), .significand_o(b_significand), .shift_o(b_shift),
        .zero_o(b_zero), .infinite_o(b_infinite), .nan_o(b_nan)
    );

    wire             sign      = a_sign ^ b_sign;
    wire             infinite  = a_infinite || b_infinite;
    wire [7:0]       raw       = {4'd0, a_significand} * {4'd0, b_significand};
    wire [5:0]       total     = {1'b0, a_shift} + {1'b0, b_shift};
    wire [5:0]       places    = (E5M2 != 0) ? total : {1'b0, total[4:0]};
    wire [WIDTH-1:0] magnitude = {{(WIDTH-8){1'b0}}, raw} << places;

    assign term_o           = sign ? -magnitude : magnitude;
    assign nan_o            = a_nan || b_nan || (a_infinite && b_zero) || (b_infinite && a_zero);
    assign plus_infinite_o  = infinite && !sign;
    assign minus_infinite_o = infinite && sign;
endmodule
`default_nettype wire
