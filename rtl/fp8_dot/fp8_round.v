// fp8_round: a signed integer in units of 2^-unit as FP32, rounded once to nearest even. Latency 2 cycles.
//
// Stage 1 takes the magnitude and left-aligns it; stage 2 rounds. Denormals are kept; the sum cannot overflow FP32.
`default_nettype none
module fp8_round #(
    parameter WIDTH = 75  // bits of the integer
) (
    input  wire             clk_i,
    input  wire             step_i,
    input  wire [WIDTH-1:0] sum_i,
    input  wire [7:0]       unit_i,            // value = sum_i * 2^-unit_i
    input  wire             nan_i,
    input  wire             plus_infinite_i,
    input  wire             minus_infinite_i,
    output reg  [31:0]      data_o             // FP32
);
    localparam BITS = $clog2(WIDTH);
    // FP32 exponent field of an aligned number with no leading zeros: 127 + WIDTH - 1.
    localparam integer FIELD = 126 + WIDTH;
    localparam integer TOP   = WIDTH - 1;
    localparam [BITS-1:0] LAST = TOP[BITS-1:0];

    wire             negative  = sum_i[WIDTH-1];
    wire [WIDTH-1:0] magnitude = negative ? -sum_i : sum_i;

    reg [BITS-1:0] lead;
    integer        index;
    always @(*) begin
        lead = {BITS{1'b0}};
        for (index = 0; index < WIDTH; index = index + 1)
            if (magnitude[index]) lead = LAST - index[BITS-1:0];
    end

    reg [WIDTH-1:0]  aligned;
    reg signed [9:0] field;
    reg              sign;
    reg              nan;
    reg              infinite;
    reg              zero;
    always @(posedge clk_i) if (step_i) begin
        aligned  <= magnitude << lead;
        field    <= $signed(FIELD[9:0]) - $signed({2'd0, unit_i}) - $signed({{(10-BITS){1'b0}}, lead});
        nan      <= nan_i || (plus_infinite_i && minus_infinite_i);
        infinite <= plus_infinite_i || minus_infinite_i;
        sign     <= (plus_infinite_i || minus_infinite_i) ? minus_infinite_i : negative;
        zero     <= sum_i == {WIDTH{1'b0}};
    end

    // A denormal is at most 4 places below the normal range (units up to 130).
    wire             tiny    = field < 10'sd1;
    wire [2:0]       deficit = 3'd1 - field[2:0];
    wire [WIDTH+3:0] placed  = {aligned, 4'd0} >> (tiny ? deficit : 3'd0);
    wire [23:0]      kept    = placed[WIDTH+3 -: 24];
    wire             half    = placed[WIDTH-21];
    wire             rest    = placed[WIDTH-22:0] != {(WIDTH-21){1'b0}};
    wire             up      = half && (rest || kept[0]);
    wire [7:0]       base    = tiny ? 8'd0 : field[7:0] - 8'd1;
    wire [30:0]      rounded = {base, 23'd0} + {7'd0, kept} + {30'd0, up};

    always @(posedge clk_i) if (step_i)
        data_o <= nan ? 32'h7fc00000 : infinite ? {sign, 31'h7f800000} : zero ? 32'd0 : {sign, rounded};
endmodule
`default_nettype wire
