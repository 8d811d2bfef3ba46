// fp32_to_fp8: FP32 to FP8, round to nearest even, denormals, saturating or not. Combinational, no multiplier.
//
// Overflow and infinity go to the largest value when SATURATE, else to infinity (format 0 has none: to NaN). NaN stays.
`default_nettype none
module fp32_to_fp8 #(
    parameter FORMAT   = 0,  // 0: E4M3 to 448; 1: E4M3 to 240; 2: E5M2
    parameter BIAS     = 7,  // exponent bias, 0..63: a power-of-two scale for nothing
    parameter SATURATE = 1   // 1: clip to the largest value
) (
    input  wire [31:0] data_i,
    output wire [7:0]  code_o
);
    localparam MANTISSA = (FORMAT == 2) ? 2 : 3;
    localparam integer DROPPED = 23 - MANTISSA;
    localparam [6:0] LARGEST  = (FORMAT == 0) ? 7'h7e : (FORMAT == 1) ? 7'h77 : 7'h7b;
    localparam [6:0] INFINITE = (FORMAT == 0) ? 7'h7f : (FORMAT == 1) ? 7'h78 : 7'h7c;
    localparam [6:0] NAN_CODE = (FORMAT == 0) ? 7'h7f : (FORMAT == 1) ? 7'h7c : 7'h7e;
    localparam integer SHIFTED = BIAS - 127;
    localparam signed [9:0] OFFSET = SHIFTED[9:0];
    localparam signed [9:0] BASE   = DROPPED[9:0];

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (FORMAT < 0 || FORMAT > 2) begin : g_refuse_format
            FORMAT_must_be_0_to_2 parameter_error ();
        end
        if (BIAS < 0 || BIAS > 63) begin : g_refuse_bias
            BIAS_must_be_0_to_63 parameter_error ();
        end
    endgenerate

    wire               nan        = data_i[30:0] > 31'h7f800000;
    wire signed [9:0]  exponent   = $signed({2'd0, data_i[30:23]}) + OFFSET;
    wire               normal     = exponent >= 10'sd1;
    wire signed [9:0]  wanted     = normal ? BASE : BASE + 10'sd1 - exponent;
    wire [4:0]         places     = (wanted > 10'sd25) ? 5'd25 : wanted[4:0];
    wire [23:0]        significand = {data_i[30:23] != 8'd0, data_i[22:0]};
    wire [48:0]        spread     = {significand, 25'd0} >> places;
    wire [23:0]        kept       = spread[48:25];
    wire               up         = spread[24] && (spread[23:0] != 24'd0 || spread[25]);
    wire signed [9:0]  steps      = normal ? exponent - 10'sd1 : 10'sd0;
    wire [15:0]        magnitude  = ({6'd0, steps} << MANTISSA) + kept[15:0] + {15'd0, up};
    wire               over       = magnitude > {9'd0, LARGEST};
    wire               unused     = &{1'b0, kept[23:16]};

    assign code_o =
        nan  ? {1'b0, NAN_CODE} :
        over ? {data_i[31], (SATURATE != 0) ? LARGEST : INFINITE} :
               {data_i[31], magnitude[6:0]};
endmodule
`default_nettype wire
