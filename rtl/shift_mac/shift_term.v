// One term of a shift dot product: the activation shifted left by the weight's exponent, negated by its sign.
// Combinational. Multipliers: 0.
module shift_term #(
    parameter WEIGHT_WIDTH = 3,      // {sign, exponent}
    parameter ACTIVATION_WIDTH = 8,  // signed
    parameter TERM_WIDTH = 32        // signed, wide enough for -2**(ACTIVATION_WIDTH-1) shifted by the largest exponent
) (
    input  wire [WEIGHT_WIDTH-1:0]     weight_i,
    input  wire [ACTIVATION_WIDTH-1:0] activation_i,
    output wire [TERM_WIDTH-1:0]       term_o
);
    wire [TERM_WIDTH-1:0] wide;
    wire [TERM_WIDTH-1:0] shifted;
    assign wide = {{(TERM_WIDTH-ACTIVATION_WIDTH){activation_i[ACTIVATION_WIDTH-1]}}, activation_i};
    assign shifted = wide << weight_i[WEIGHT_WIDTH-2:0];
    assign term_o = weight_i[WEIGHT_WIDTH-1] ? -shifted : shifted;
endmodule
