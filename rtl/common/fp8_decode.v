// fp8_decode: one 8-bit floating-point code as an integer significand and a shift.
//
// value = (-1)^sign * significand * 2^shift * 2^-unit, unit = bias + 2 (E4M3) or bias + 1 (E5M2): the exponent bias,
// and so a power-of-two scale, is only a constant added to exponents later. Combinational, no multiplier.
`default_nettype none
module fp8_decode (
    input  wire [7:0] code_i,         // the operand
    input  wire [1:0] format_i,       // 0: E4M3 to 448 (OCP); 1: E4M3 to 240 (IEEE style); 2: E5M2
    output wire       sign_o,
    output wire [3:0] significand_o,  // with the hidden bit: 8..15 (E4M3) or 4..7 (E5M2); less when denormal
    output wire [4:0] shift_o,        // biased exponent - 1; 0 for denormals
    output wire       zero_o,
    output wire       infinite_o,
    output wire       nan_o
);
    wire       e5m2     = format_i >= 2'd2;
    wire [4:0] exponent = e5m2 ? code_i[6:2] : {1'b0, code_i[6:3]};
    wire       normal   = exponent != 5'd0;
    wire       top      = e5m2 ? (code_i[6:2] == 5'd31) : (code_i[6:3] == 4'd15);
    wire       fraction = e5m2 ? (code_i[1:0] != 2'd0) : (code_i[2:0] != 3'd0);

    assign sign_o        = code_i[7];
    wire [3:0] four      = {normal, code_i[2:0]};
    wire [3:0] three     = {1'b0, normal, code_i[1:0]};
    assign significand_o = e5m2 ? three : four;
    assign shift_o       = normal ? exponent - 5'd1 : 5'd0;
    assign zero_o        = !(|code_i[6:0]);
    assign infinite_o    = (format_i != 2'd0) && top && !fraction;
    assign nan_o         = (format_i == 2'd0) ? (code_i[6:0] == 7'h7f) : (top && fraction);
endmodule
`default_nettype wire
