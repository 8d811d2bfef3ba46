// fp8_multiply: the exact product of two FP8 operands as one FP32 number.
//
// Every product of E4M3 and E5M2 values with biases 0..63 is an FP32 number (the smallest unit is 2^-130, FP32's is
// 2^-149), so nothing is rounded. One 4 x 4 bit multiplier. Combinational.
`default_nettype none
module fp8_multiply (
    input  wire [7:0]  a_i,
    input  wire [7:0]  b_i,
    input  wire [1:0]  a_format_i,
    input  wire [1:0]  b_format_i,
    input  wire [5:0]  a_bias_i,   // exponent bias: 7 (E4M3) and 15 (E5M2) are the unscaled formats
    input  wire [5:0]  b_bias_i,
    output wire [31:0] product_o   // FP32
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

    wire       sign     = a_sign ^ b_sign;
    wire       nan      = a_nan || b_nan || (a_infinite && b_zero) || (b_infinite && a_zero);
    wire       infinite = a_infinite || b_infinite;
    wire [7:0] raw      = {4'd0, a_significand} * {4'd0, b_significand};

    // Left-align the 8-bit product: `lead` leading zeros.
    reg [2:0] lead;
    always @(*) begin
        lead = 3'd7;
        if (raw[7])      lead = 3'd0;
        else if (raw[6]) lead = 3'd1;
        else if (raw[5]) lead = 3'd2;
        else if (raw[4]) lead = 3'd3;
        else if (raw[3]) lead = 3'd4;
        else if (raw[2]) lead = 3'd5;
        else if (raw[1]) lead = 3'd6;
    end
    wire [7:0]  aligned = raw << lead;
    wire [23:0] normal  = {aligned, 16'd0};

    // FP32 exponent field = 127 + 7 - lead + shifts - units; at least -3, so at most 4 places to a denormal.
    wire signed [9:0] field = 10'sd134 - $signed({7'd0, lead}) + $signed({5'd0, a_shift}) + $signed({5'd0, b_shift})
        - $signed({4'd0, a_bias_i}) - (a_format_i[1] ? 10'sd1 : 10'sd2)
        - $signed({4'd0, b_bias_i}) - (b_format_i[1] ? 10'sd1 : 10'sd2);
    wire              tiny    = field < 10'sd1;
    wire [2:0]        deficit  = 3'd1 - field[2:0];
    wire [23:0]       denormal = normal >> deficit;
    wire              unused   = denormal[23];

    assign product_o =
        nan            ? 32'h7fc00000 :
        infinite       ? {sign, 31'h7f800000} :
        (raw == 8'd0)  ? {sign, 31'd0} :
        tiny          ? {sign, 8'd0, denormal[22:0]} :
                         {sign, field[7:0], normal[22:0]};
endmodule
`default_nettype wire
