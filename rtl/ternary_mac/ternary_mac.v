// Dot products of signed activations with ternary weights, LANES a cycle: additions and subtractions only.
//   y = bias + sum over k of weight[k] * activation[k]
// The dead-zone bias (Tequila: the contribution of the weights that were rounded to zero, computed offline) starts the
// accumulator, so it is added once a result and costs no adder.
// Input beat x_data_i = {last, packed weights, activations}, lane 0 in the low bits; bias_data_i joins the first beat.
// Latency, first accepted beat to result: ceil(K / LANES) + 1 + PIPELINE cycles; throughput: a beat a cycle.
// Multipliers: 0. Arithmetic wraps modulo 2**ACCUMULATOR_WIDTH.
module ternary_mac #(
    parameter LANES = 16,              // weights a cycle, 1 to 256
    parameter ACTIVATION_WIDTH = 8,    // bits of a signed activation, 2 to 16
    parameter ACCUMULATOR_WIDTH = 32,  // bits of bias and result, ACTIVATION_WIDTH + 2 + clog2(LANES) to 64
    parameter TRITS_PER_BYTE = 4,      // weight packing: 4 (2 bits a weight) or 5 (1.6 bits a weight)
    parameter PIPELINE = 0             // registers between lane sum and accumulator, 0 or 1
) (
    input  wire clk_i,
    input  wire rst_i,
    input  wire x_valid_i,
    output wire x_ready_o,
    input  wire [((TRITS_PER_BYTE == 4) ? 2*LANES : 8*((LANES+4)/5)) + LANES*ACTIVATION_WIDTH:0] x_data_i,
    input  wire bias_valid_i,
    output wire bias_ready_o,
    input  wire [ACCUMULATOR_WIDTH-1:0] bias_data_i,
    output wire y_valid_o,
    input  wire y_ready_i,
    output wire [ACCUMULATOR_WIDTH-1:0] y_data_o
);
    localparam WEIGHT_BITS = (TRITS_PER_BYTE == 4) ? 2*LANES : 8*((LANES+4)/5);
    localparam ACTIVATION_BITS = LANES*ACTIVATION_WIDTH;

    wire [2*LANES-1:0] digits;
    wire first;
    wire advance;
    wire joined;
    reg signed [ACCUMULATOR_WIDTH-1:0] lane_sum;
    reg signed [ACCUMULATOR_WIDTH-1:0] wide;
    integer lane;

    ternary_decode #(
        .LANES(LANES), .TRITS_PER_BYTE(TRITS_PER_BYTE), .WEIGHT_BITS(WEIGHT_BITS)
    ) decode (
        .packed_i(x_data_i[ACTIVATION_BITS +: WEIGHT_BITS]),
        .digits_o(digits)
    );

    always @(*) begin
        lane_sum = {ACCUMULATOR_WIDTH{1'b0}};
        wide = {ACCUMULATOR_WIDTH{1'b0}};
        for (lane = 0; lane < LANES; lane = lane + 1) begin
            wide = {{(ACCUMULATOR_WIDTH-ACTIVATION_WIDTH){x_data_i[lane*ACTIVATION_WIDTH + ACTIVATION_WIDTH - 1]}},
                    x_data_i[lane*ACTIVATION_WIDTH +: ACTIVATION_WIDTH]};
            if (digits[2*lane+1]) lane_sum = lane_sum - wide;
            else if (digits[2*lane]) lane_sum = lane_sum + wide;
        end
    end

    // The first beat of a result waits for its bias; valid never waits for ready.
    assign joined = x_valid_i && (!first || bias_valid_i);
    assign x_ready_o = advance && (!first || bias_valid_i);
    assign bias_ready_o = advance && first && x_valid_i;

    stream_accumulator #(
        .WIDTH(ACCUMULATOR_WIDTH), .PIPELINE(PIPELINE)
    ) accumulate (
        .clk_i(clk_i),
        .rst_i(rst_i),
        .valid_i(joined),
        .ready_o(advance),
        .first_o(first),
        .last_i(x_data_i[ACTIVATION_BITS + WEIGHT_BITS]),
        .initial_i(bias_data_i),
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
        if (ACTIVATION_WIDTH < 2 || ACTIVATION_WIDTH > 16) begin : g_refuse_activation_width
            ACTIVATION_WIDTH_must_be_2_to_16 parameter_error ();
        end
        if (ACCUMULATOR_WIDTH < ACTIVATION_WIDTH + 2 + $clog2(LANES) || ACCUMULATOR_WIDTH > 64) begin : g_refuse_accumulator_width
            ACCUMULATOR_WIDTH_must_be_ACTIVATION_WIDTH_plus_2_plus_clog2_LANES_to_64 parameter_error ();
        end
        if (TRITS_PER_BYTE != 4 && TRITS_PER_BYTE != 5) begin : g_refuse_trits_per_byte
            TRITS_PER_BYTE_must_be_4_or_5 parameter_error ();
        end
        if (PIPELINE != 0 && PIPELINE != 1) begin : g_refuse_pipeline
            PIPELINE_must_be_0_or_1 parameter_error ();
        end
    endgenerate
endmodule
