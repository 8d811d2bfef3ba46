// sfu_inverse: 1 / total, or sqrt(count / total), by Newton's iteration on one shared multiplier of 27 x 27 bits.
//
// start_i loads; done_o is high for one cycle when the result stands: 1/total = mantissa 2^-24 2^-place, or
// sqrt(count/total) = mantissa 2^-24 2^-place. From start_i to done_o: 8 cycles (1/total) or 20 (root).
`default_nettype none
module sfu_inverse #(
    parameter WIDTH = 44  // bits of the total, 26 to 63
) (
    input  wire              clk_i,
    input  wire              rst_i,
    input  wire              start_i,
    input  wire              root_i,
    input  wire [WIDTH-1:0]  total_i,   // held until done_o, above 0
    input  wire [WIDTH-1:0]  count_i,   // held until done_o, above 0
    output reg               done_o,
    output wire [26:0]       mantissa_o,
    output wire signed [6:0] place_o
);
    localparam [3:0] IDLE = 4'd0, SEED = 4'd1, TIMES = 4'd2, REFINE = 4'd3, RATIO = 4'd4, ADJUST = 4'd5,
        ROOT_SEED = 4'd6, SQUARE = 4'd7, ROOT_TIMES = 4'd8, ROOT_REFINE = 4'd9;
    localparam [26:0] TWO   = 27'd33554432;
    localparam [26:0] THREE = 27'd50331648;
    localparam [26:0] RECIPROCAL_BASE  = 27'd23685477, RECIPROCAL_SLOPE = 27'd7895160;
    localparam [26:0] LOW_BASE  = 27'd21463093, LOW_SLOPE  = 27'd4914047;
    localparam [26:0] HIGH_BASE = 27'd15176696, HIGH_SLOPE = 27'd1737281;

    reg  [3:0]        state;
    reg  [1:0]        round;      // iterations left
    reg  [26:0]       number;     // mantissa of the argument
    reg  [26:0]       estimate;
    reg  [26:0]       product;    // what the multiplier gave last
    reg  signed [6:0] place;

    wire [WIDTH-1:0] chosen = (state == IDLE && root_i) ? count_i : total_i;
    wire [24:0]      leading;
    wire [5:0]       leading_place;
    sfu_normalise #(.WIDTH(WIDTH)) normalise (.value_i(chosen), .mantissa_o(leading), .place_o(leading_place));

    reg  [26:0] left, right;
    always @(*) begin
        left  = number;
        right = estimate;
        case (state)
            SEED:        right = RECIPROCAL_SLOPE;
            REFINE:      left  = TWO - product;
            RATIO:       left  = {2'd0, leading};
            ROOT_SEED:   right = number[25] ? HIGH_SLOPE : LOW_SLOPE;
            SQUARE:      left  = estimate;
            ROOT_TIMES:  right = product;
            ROOT_REFINE: left  = THREE - product;
            default:     right = estimate;
        endcase
    end
    wire [53:0] full = {27'd0, left} * {27'd0, right};
    wire [26:0] cut  = full[50:24];
    wire        unused = &{1'b0, full[53:51], full[23:0]};

    // The ratio's mantissa, 1/2 to 2, brought to 1..4 with an even power.
    wire              low   = !number[24] && !number[25];
    wire [26:0]       once  = low ? number << 1 : number;
    wire signed [6:0] power = low ? place - 7'sd1 : place;

    assign mantissa_o = estimate;
    assign place_o    = place;

    always @(posedge clk_i) begin
        done_o <= 1'b0;
        case (state)
            IDLE: if (start_i) begin
                number <= {2'd0, leading};
                place  <= $signed({1'b0, leading_place});
                state  <= SEED;
            end
            SEED: begin
                estimate <= RECIPROCAL_BASE - cut;
                round    <= 2'd2;
                state    <= TIMES;
            end
            TIMES: begin
                product <= cut;
                state   <= REFINE;
            end
            REFINE: begin
                estimate <= cut;
                round    <= round - 2'd1;
                state    <= (round != 2'd0) ? TIMES : root_i ? RATIO : IDLE;
                done_o   <= round == 2'd0 && !root_i;
            end
            RATIO: begin
                number <= cut;
                place  <= $signed({1'b0, leading_place}) - place;
                state  <= ADJUST;
            end
            ADJUST: begin
                number <= power[0] ? once << 1 : once;
                place  <= power >>> 1;
                state  <= ROOT_SEED;
            end
            ROOT_SEED: begin
                estimate <= (number[25] ? HIGH_BASE : LOW_BASE) - cut;
                round    <= 2'd2;
                state    <= SQUARE;
            end
            SQUARE: begin
                product <= cut;
                state   <= ROOT_TIMES;
            end
            ROOT_TIMES: begin
                product <= cut;
                state   <= ROOT_REFINE;
            end
            default: begin
                estimate <= {1'b0, cut[26:1]};
                round    <= round - 2'd1;
                state    <= (round != 2'd0) ? SQUARE : IDLE;
                done_o   <= round == 2'd0;
            end
        endcase
        if (rst_i) begin
            state  <= IDLE;
            done_o <= 1'b0;
        end
    end
endmodule
`default_nettype wire
