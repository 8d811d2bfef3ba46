// Dot products of signed activations with zero-free power-of-two weights (DenseShift), LANES a cycle: no multiplier.
//   y = sum over k of (-1)^sign[k] * activation[k] * 2^exponent[k]
// A weight of WEIGHT_WIDTH bits is {sign, exponent}: 2 bits +-1 +-2, 3 bits +-1 to +-8, 4 bits +-1 to +-128.
// Input beat x_data_i = {last, weights, activations}, lane 0 in the low bits.
// Latency, first accepted beat to result: ceil(K / LANES) + 1 + PIPELINE cycles; throughput: a beat a cycle.
// Multipliers: 0. Arithmetic wraps modulo 2**ACCUMULATOR_WIDTH.
module shift_mac #(
    parameter LANES = 16,              // weights a cycle, 1 to 256
    parameter WEIGHT_WIDTH = 3,        // bits of a weight, 2 to 4
    parameter ACTIVATION_WIDTH = 8,    // bits of a signed activation, 2 to 16
    parameter ACCUMULATOR_WIDTH = 32,  // bits of the result, one lane sum to 64
    parameter PIPELINE = 0             // registers between lane sum and accumulator, 0 or 1
) (
    input  wire clk_i,
    input  wire rst_i,
    input  wire x_valid_i,
    output wire x_ready_o,
    input  wire [LANES*(WEIGHT_WIDTH+ACTIVATION_WIDTH):0] x_data_i,
    output wire y_valid_o,
    input  wire y_ready_i,
    output wire [ACCUMULATOR_WIDTH-1:0] y_data_o
);
    localparam ACTIVATION_BITS = LANES*ACTIVATION_WIDTH;
    localparam LARGEST_SHIFT = (1 << (WEIGHT_WIDTH-1)) - 1;
    localparam LANE_SUM_WIDTH = ACTIVATION_WIDTH + LARGEST_SHIFT + 1 + $clog2(LANES);

    wire [LANES*ACCUMULATOR_WIDTH-1:0] terms;
    reg signed [ACCUMULATOR_WIDTH-1:0] lane_sum;
    integer index;
    wire unused_first;

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : g_lane
            shift_term #(
                .WEIGHT_WIDTH(WEIGHT_WIDTH), .ACTIVATION_WIDTH(ACTIVATION_WIDTH), .TERM_WIDTH(ACCUMULATOR_WIDTH)
            ) term (
                .weight_i(x_data_i[ACTIVATION_BITS + lane*WEIGHT_WIDTH +: WEIGHT_WIDTH]),
                .activation_i(x_data_i[lane*ACTIVATION_WIDTH +: ACTIVATION_WIDTH]),
                .term_o(terms[lane*ACCUMULATOR_WIDTH +: ACCUMULATOR_WIDTH])
            );
        end
    endgenerate

    always @(*) begin
        lane_sum = {ACCUMULATOR_WIDTH{1'b0}};
        for (index = 0; index < LANES; index = index + 1)
            lane_sum = lane_sum + terms[index*ACCUMULATOR_WIDTH +: ACCUMULATOR_WIDTH];
    end

    stream_accumulator #(
        .WIDTH(ACCUMULATOR_WIDTH), .PIPELINE(PIPELINE)
    ) accumulate (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .valid_i(x_valid_i),
        .ready_o(x_ready_o),
        .first_o(unused_first),
        .last_i(x_data_i[LANES*(WEIGHT_WIDTH+ACTIVATION_WIDTH)]),
        .initial_i({ACCUMULATOR_WIDTH{1'b0}}),
        .sum_i(lane_sum),
        .y_valid_o(y_valid_o),
        .y_ready_i(y_ready_i),
        .y_data_o(y_data_o)
    );

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (LANES < 1 || LANES > 256) begin : g_refuse_lanes
            LANES_must_be_1_to_256 parameter_error ();
        end
        if (WEIGHT_WIDTH < 2 || WEIGHT_WIDTH > 4) begin : g_refuse_weight_width
            WEIGHT_WIDTH_must_be_2_to_4 parameter_error ();
        end
        if (ACTIVATION_WIDTH < 2 || ACTIVATION_WIDTH > 16) begin : g_refuse_activation_width
            ACTIVATION_WIDTH_must_be_2_to_16 parameter_error ();
        end
        if (ACCUMULATOR_WIDTH < LANE_SUM_WIDTH || ACCUMULATOR_WIDTH > 64) begin : g_refuse_accumulator_width
            ACCUMULATOR_WIDTH_must_hold_a_lane_sum_and_be_at_most_64 parameter_error ();
        end
        if (PIPELINE != 0 && PIPELINE != 1) begin : g_refuse_pipeline
            PIPELINE_must_be_0_or_1 parameter_error ();
        end
    endgenerate
endmodule
