// N:M sparse dot product on a DSP cascade, 0, 2, 4 or 8 of BLOCK weights, chosen beat by beat (FlightLLM's CSD-chain).
//   y[token] = sum over kept weights of weight * activation[token][block of the weight][index of the weight]
// PACKED = 1, matrix-matrix: a DSP multiplies one weight by two tokens' activations, a1 * 2**FIELD + a0. The low product
// grows into the guard bits, so the cascade is cut after (2**(FIELD-1) - 1) >> (ACTIVATION_WIDTH + WEIGHT_WIDTH - 2)
// DSPs (7 for 8 by 8 bits and an 18-bit field) and the segments are unpacked before they are added.
// PACKED = 0, matrix-vector: one product a DSP, one cascade of CHAIN DSPs.
// Input beat x_data_i = {last, density, indices, weights, activations}; activations {token 1, token 0}, of CHAIN / 2
// blocks each; density 0, 1, 2, 3 stands for 0, 2, 4, 8 of BLOCK: DSP d works on block d / 2, d / 4, d / 8.
// Latency, first accepted beat to result: beats + SEGMENT + 2 cycles; throughput: a beat a cycle. Multipliers: CHAIN.
module sparse_dsp_chain #(
    parameter CHAIN = 8,               // DSPs, a multiple of 8, 8 to 64
    parameter BLOCK = 16,              // M: activations a block, 8, 16 or 32
    parameter ACTIVATION_WIDTH = 8,    // bits of a signed activation, 4 to 8
    parameter WEIGHT_WIDTH = 8,        // bits of a signed weight, 2 to 8
    parameter ACCUMULATOR_WIDTH = 32,  // bits of a result, 24 to 48
    parameter PACKED = 1,              // 1: two tokens a DSP, 0: one
    parameter FIELD = 18               // bits of the low product with its guard bits, AW + WW to 18
) (
    input  wire clk_i,
    input  wire rst_i,
    input  wire x_valid_i,
    output wire x_ready_o,
    input  wire [CHAIN*(WEIGHT_WIDTH+$clog2(BLOCK)) + (PACKED+1)*(CHAIN/2)*BLOCK*ACTIVATION_WIDTH + 2:0] x_data_i,
    output wire y_valid_o,
    input  wire y_ready_i,
    output wire [(PACKED+1)*ACCUMULATOR_WIDTH-1:0] y_data_o
);
    localparam TOKENS = PACKED + 1;
    localparam BLOCKS = CHAIN/2;
    localparam INDEX_WIDTH = $clog2(BLOCK);
    localparam BLOCK_BITS = BLOCK*ACTIVATION_WIDTH;
    localparam TOKEN_BITS = BLOCKS*BLOCK_BITS;
    localparam WEIGHTS_AT = TOKENS*TOKEN_BITS;
    localparam INDICES_AT = WEIGHTS_AT + CHAIN*WEIGHT_WIDTH;
    localparam DENSITY_AT = INDICES_AT + CHAIN*INDEX_WIDTH;
    localparam GUARD_LIMIT = ((1 << (FIELD-1)) - 1) >> (ACTIVATION_WIDTH + WEIGHT_WIDTH - 2);
    localparam SEGMENT = (PACKED == 1 && GUARD_LIMIT < CHAIN) ? GUARD_LIMIT : CHAIN;
    localparam SEGMENTS = (CHAIN + SEGMENT - 1)/SEGMENT;
    localparam A_WIDTH = (PACKED == 1) ? FIELD + ACTIVATION_WIDTH + 1 : ACTIVATION_WIDTH;
    localparam P_WIDTH = 48;

    wire advance;
    wire [CHAIN*A_WIDTH-1:0] operands;
    wire [SEGMENTS*P_WIDTH-1:0] segment_sums;
    wire stage_valid;
    wire stage_last;
    reg  [SEGMENT-1:0] valid_r;
    reg  [SEGMENT-1:0] last_r;
    wire [TOKENS-1:0] ready;
    wire [TOKENS-1:0] y_valid;
    wire [TOKENS-1:0] unused_first;
    reg  [TOKENS*ACCUMULATOR_WIDTH-1:0] sums;

    genvar place;
    genvar segment;
    genvar token;
    generate
        for (place = 0; place < CHAIN; place = place + 1) begin : g_operand
            wire [TOKENS*ACTIVATION_WIDTH-1:0] picked;
            for (token = 0; token < TOKENS; token = token + 1) begin : g_token
                index_mux #(
                    .BLOCK(BLOCK), .ACTIVATION_WIDTH(ACTIVATION_WIDTH)
                ) mux (
                    .density_i(x_data_i[DENSITY_AT +: 2]),
                    .index_i(x_data_i[INDICES_AT + place*INDEX_WIDTH +: INDEX_WIDTH]),
                    .block_two_i(x_data_i[token*TOKEN_BITS + (place/2)*BLOCK_BITS +: BLOCK_BITS]),
                    .block_four_i(x_data_i[token*TOKEN_BITS + (place/4)*BLOCK_BITS +: BLOCK_BITS]),
                    .block_eight_i(x_data_i[token*TOKEN_BITS + (place/8)*BLOCK_BITS +: BLOCK_BITS]),
                    .activation_o(picked[token*ACTIVATION_WIDTH +: ACTIVATION_WIDTH])
                );
            end
            if (PACKED == 1) begin : g_packed
                // the pre-adder: a1 * 2**FIELD + a0
                assign operands[place*A_WIDTH +: A_WIDTH] =
                    {picked[2*ACTIVATION_WIDTH-1], picked[ACTIVATION_WIDTH +: ACTIVATION_WIDTH], {FIELD{1'b0}}}
                    + {{(FIELD+1){picked[ACTIVATION_WIDTH-1]}}, picked[0 +: ACTIVATION_WIDTH]};
            end else begin : g_single
                assign operands[place*A_WIDTH +: A_WIDTH] = picked;
            end
        end
        for (segment = 0; segment < SEGMENTS; segment = segment + 1) begin : g_segment
            chain_segment #(
                .LENGTH((CHAIN - segment*SEGMENT < SEGMENT) ? CHAIN - segment*SEGMENT : SEGMENT),
                .LATENCY(SEGMENT), .A_WIDTH(A_WIDTH), .B_WIDTH(WEIGHT_WIDTH), .P_WIDTH(P_WIDTH)
            ) chain (
                .clk_i(clk_i),
                .enable_i(advance),
                .a_i(operands[segment*SEGMENT*A_WIDTH +:
                    ((CHAIN - segment*SEGMENT < SEGMENT) ? CHAIN - segment*SEGMENT : SEGMENT)*A_WIDTH]),
                .b_i(x_data_i[WEIGHTS_AT + segment*SEGMENT*WEIGHT_WIDTH +:
                    ((CHAIN - segment*SEGMENT < SEGMENT) ? CHAIN - segment*SEGMENT : SEGMENT)*WEIGHT_WIDTH]),
                .p_o(segment_sums[segment*P_WIDTH +: P_WIDTH])
            );
        end
        for (token = 0; token < TOKENS; token = token + 1) begin : g_accumulate
            stream_accumulator #(
                .WIDTH(ACCUMULATOR_WIDTH), .PIPELINE(1)
            ) accumulate (
                .clk_i(clk_i),
                .rst_i(rst_i),
                .valid_i(stage_valid),
                .ready_o(ready[token]),
                .first_o(unused_first[token]),
                .last_i(stage_last),
                .initial_i({ACCUMULATOR_WIDTH{1'b0}}),
                .sum_i(sums[token*ACCUMULATOR_WIDTH +: ACCUMULATOR_WIDTH]),
                .y_valid_o(y_valid[token]),
                .y_ready_i(y_ready_i),
                .y_data_o(y_data_o[token*ACCUMULATOR_WIDTH +: ACCUMULATOR_WIDTH])
            );
        end
        if (SEGMENT == 1) begin : g_flags_short
            always @(posedge clk_i) begin
                if (rst_i) valid_r <= 1'b0;
                else if (advance) valid_r <= x_valid_i;
                if (advance) last_r <= x_data_i[DENSITY_AT + 2];
            end
        end else begin : g_flags
            always @(posedge clk_i) begin
                if (rst_i) valid_r <= {SEGMENT{1'b0}};
                else if (advance) valid_r <= {valid_r[SEGMENT-2:0], x_valid_i};
                if (advance) last_r <= {last_r[SEGMENT-2:0], x_data_i[DENSITY_AT + 2]};
            end
        end
        // Unpack the segments and add them: the low field is signed, its borrow goes back to the high one.
        if (PACKED == 1) begin : g_unpack
            reg [P_WIDTH-1:0] word;
            integer index;
            always @(*) begin
                sums = {TOKENS*ACCUMULATOR_WIDTH{1'b0}};
                word = {P_WIDTH{1'b0}};
                for (index = 0; index < SEGMENTS; index = index + 1) begin
                    word = segment_sums[index*P_WIDTH +: P_WIDTH];
                    sums[0 +: ACCUMULATOR_WIDTH] = sums[0 +: ACCUMULATOR_WIDTH]
                        + {{(ACCUMULATOR_WIDTH-FIELD){word[FIELD-1]}}, word[FIELD-1:0]};
                    sums[ACCUMULATOR_WIDTH +: ACCUMULATOR_WIDTH] = sums[ACCUMULATOR_WIDTH +: ACCUMULATOR_WIDTH]
                        + {{(ACCUMULATOR_WIDTH-FIELD){word[2*FIELD-1]}}, word[FIELD +: FIELD]}
                        + {{(ACCUMULATOR_WIDTH-1){1'b0}}, word[FIELD-1]};
                end
            end
            wire unused_high = &{1'b0, word[P_WIDTH-1:2*FIELD]};
        end else begin : g_whole
            always @(*) sums = segment_sums[ACCUMULATOR_WIDTH-1:0];
            wire unused_high = &{1'b0, segment_sums};
        end
    endgenerate

    assign advance = ready[0];
    assign x_ready_o = advance;
    assign stage_valid = valid_r[SEGMENT-1];
    assign stage_last = last_r[SEGMENT-1];
    assign y_valid_o = y_valid[0];
    wire unused = &{1'b0, ready, y_valid, unused_first};

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (CHAIN < 8 || CHAIN > 64 || CHAIN % 8 != 0) begin : g_refuse_chain
            CHAIN_must_be_a_multiple_of_8_to_64 parameter_error ();
        end
        if (BLOCK != 8 && BLOCK != 16 && BLOCK != 32) begin : g_refuse_block
            BLOCK_must_be_8_16_or_32 parameter_error ();
        end
        if (ACTIVATION_WIDTH < 4 || ACTIVATION_WIDTH > 8) begin : g_refuse_activation_width
            ACTIVATION_WIDTH_must_be_4_to_8 parameter_error ();
        end
        if (WEIGHT_WIDTH < 2 || WEIGHT_WIDTH > 8) begin : g_refuse_weight_width
            WEIGHT_WIDTH_must_be_2_to_8 parameter_error ();
        end
        if (ACCUMULATOR_WIDTH < 24 || ACCUMULATOR_WIDTH > 48) begin : g_refuse_accumulator_width
            ACCUMULATOR_WIDTH_must_be_24_to_48 parameter_error ();
        end
        if (PACKED != 0 && PACKED != 1) begin : g_refuse_packed
            PACKED_must_be_0_or_1 parameter_error ();
        end
        if (FIELD < ACTIVATION_WIDTH + WEIGHT_WIDTH || FIELD > 18) begin : g_refuse_field
            FIELD_must_be_ACTIVATION_WIDTH_plus_WEIGHT_WIDTH_to_18 parameter_error ();
        end
    endgenerate
endmodule
