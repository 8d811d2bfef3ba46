// Attention over product-quantised keys and values (MILLION) for one head and one query: SUB_SPACES sub-spaces of
// SUB_DIM dimensions, 2**CODE_BITS centroids each. One operation a beat, x_data_i = {operation, payload}:
//   0 query    payload: the query, sub-space 0 in the low bits; restarts the table
//   1 build    payload: the next key centroid (code fastest): table[space][code] = query[space] . centroid
//   2 score    payload: the codes of a cached key: y = sum over spaces of table[space][code[space]]
//   3 weigh    payload: {weight, codes of a cached value}: bin[space][code[space]] += weight
//   4 combine  payload: the next value centroid: sum[space] += bin[space][code] * centroid, the bin is cleared;
//              the last code of a space gives y = the SUB_DIM sums of the space
// The softmax between scores and weights is another kernel's. 5 to 7 do nothing.
// After a reset the bins are cleared: x_ready_o stays low for 2**CODE_BITS cycles.
// Latency: 2 cycles from the beat to its result; an operation a cycle: n beats take n + 2 cycles. A table takes
// 1 + SUB_SPACES 2**CODE_BITS beats, a token one beat for its key and one for its value.
// Multipliers: 2 SUB_DIM. Memories: SUB_SPACES banks of 2**CODE_BITS words for tables, and as many for bins.
module pq_attention #(
    parameter SUB_SPACES = 4,    // M, 1 to 64
    parameter SUB_DIM = 2,       // dimensions a sub-space, 1 to 16
    parameter CODE_BITS = 8,     // bits a code, 1 to 12
    parameter VALUE_WIDTH = 8,   // bits of signed query and centroid elements, 2 to 16
    parameter WEIGHT_WIDTH = 8,  // bits of an unsigned attention weight, 1 to 16
    parameter BIN_WIDTH = 16,    // bits of an unsigned bin, WEIGHT_WIDTH + 1 to 32; wraps
    parameter SUM_WIDTH = 40     // bits of a signed result, above a score's and BIN_WIDTH + VALUE_WIDTH + 1, to 64
) (
    input  wire clk_i,
    input  wire rst_i,
    input  wire x_valid_i,
    output wire x_ready_o,
    input  wire [((SUB_SPACES*SUB_DIM*VALUE_WIDTH > SUB_SPACES*CODE_BITS + WEIGHT_WIDTH)
        ? SUB_SPACES*SUB_DIM*VALUE_WIDTH : SUB_SPACES*CODE_BITS + WEIGHT_WIDTH) + 2:0] x_data_i,
    output wire y_valid_o,
    input  wire y_ready_i,
    output wire [SUB_DIM*SUM_WIDTH-1:0] y_data_o
);
    localparam QUERY_BITS = SUB_SPACES*SUB_DIM*VALUE_WIDTH;
    localparam VECTOR_BITS = SUB_DIM*VALUE_WIDTH;
    localparam CODES_BITS = SUB_SPACES*CODE_BITS;
    localparam WEIGH_BITS = CODES_BITS + WEIGHT_WIDTH;
    localparam TABLE_WIDTH = 2*VALUE_WIDTH + $clog2(SUB_DIM);
    localparam SCORE_WIDTH = TABLE_WIDTH + $clog2(SUB_SPACES);
    localparam PAYLOAD_WIDTH = (QUERY_BITS > WEIGH_BITS) ? QUERY_BITS : WEIGH_BITS;
    localparam SPACE_WIDTH = (SUB_SPACES > 1) ? $clog2(SUB_SPACES) : 1;
    localparam [CODE_BITS-1:0] ONE_CODE = 1;
    localparam [2:0] QUERY = 3'd0;
    localparam [2:0] BUILD = 3'd1;
    localparam [2:0] SCORE = 3'd2;
    localparam [2:0] WEIGH = 3'd3;
    localparam [2:0] COMBINE = 3'd4;

    reg  clearing;
    reg  [CODE_BITS-1:0] clear_code;
    reg  [QUERY_BITS-1:0] query;
    reg  valid_r;
    reg  [2:0] operation_r;
    reg  [SPACE_WIDTH-1:0] space_r;
    reg  [CODE_BITS-1:0] code_r;
    reg  [TABLE_WIDTH-1:0] dot_r;
    reg  [CODES_BITS-1:0] codes_r;
    reg  [WEIGHT_WIDTH-1:0] weight_r;
    reg  [VECTOR_BITS-1:0] centroid_r;
    reg  [SUB_DIM*SUM_WIDTH-1:0] sums;
    reg  y_valid;
    reg  [SUB_DIM*SUM_WIDTH-1:0] y_data;

    wire advance;
    wire accept;
    wire working;
    wire result;
    wire [2:0] operation;
    wire [SPACE_WIDTH-1:0] build_space;
    wire [CODE_BITS-1:0] build_code;
    wire [SPACE_WIDTH-1:0] combine_space;
    wire [CODE_BITS-1:0] combine_code;
    wire [TABLE_WIDTH-1:0] dot;
    wire [SUB_SPACES*TABLE_WIDTH-1:0] looked_up;
    wire [SUB_SPACES*BIN_WIDTH-1:0] bin_words;
    wire [BIN_WIDTH-1:0] bin;
    wire [SUB_DIM*SUM_WIDTH-1:0] sums_next;
    wire [SUB_DIM*SUM_WIDTH-1:0] score_word;
    reg  [SUM_WIDTH-1:0] score;
    integer index;
    genvar space;
    genvar place;

    assign operation = x_data_i[PAYLOAD_WIDTH +: 3];
    assign advance = !y_valid || y_ready_i;
    assign x_ready_o = advance && !clearing;
    assign accept = x_valid_i && x_ready_o;
    assign working = valid_r && advance;
    assign result = operation_r == SCORE || (operation_r == COMBINE && &code_r);
    assign y_valid_o = y_valid;
    assign y_data_o = y_data;

    centroid_counter #(
        .SUB_SPACES(SUB_SPACES), .SPACE_WIDTH(SPACE_WIDTH), .CODE_BITS(CODE_BITS)
    ) build_counter (
        .clk_i(clk_i),
        .clear_i(rst_i || (accept && operation == QUERY)),
        .step_i(accept && operation == BUILD),
        .space_o(build_space),
        .code_o(build_code)
    );
    centroid_counter #(
        .SUB_SPACES(SUB_SPACES), .SPACE_WIDTH(SPACE_WIDTH), .CODE_BITS(CODE_BITS)
    ) combine_counter (
        .clk_i(clk_i),
        .clear_i(rst_i),
        .step_i(accept && operation == COMBINE),
        .space_o(combine_space),
        .code_o(combine_code)
    );
    sub_dot #(
        .SUB_DIM(SUB_DIM), .VALUE_WIDTH(VALUE_WIDTH), .WIDTH(TABLE_WIDTH)
    ) build_dot (
        .a_i(query[build_space*VECTOR_BITS +: VECTOR_BITS]),
        .b_i(x_data_i[0 +: VECTOR_BITS]),
        .dot_o(dot)
    );

    generate
        for (space = 0; space < SUB_SPACES; space = space + 1) begin : g_space
            localparam [SPACE_WIDTH-1:0] SPACE = space;
            wire [CODE_BITS-1:0] code;
            wire here;
            wire [BIN_WIDTH-1:0] old_bin;
            assign here = space_r == SPACE;
            assign code = clearing ? clear_code
                        : (operation_r == COMBINE) ? code_r : codes_r[space*CODE_BITS +: CODE_BITS];
            assign bin_words[space*BIN_WIDTH +: BIN_WIDTH] = old_bin;
            table_bank #(
                .ADDRESS_WIDTH(CODE_BITS), .WIDTH(TABLE_WIDTH)
            ) key_table (
                .clk_i(clk_i),
                .write_i(working && operation_r == BUILD && here),
                .write_address_i(code_r),
                .write_data_i(dot_r),
                .read_address_i(codes_r[space*CODE_BITS +: CODE_BITS]),
                .read_data_o(looked_up[space*TABLE_WIDTH +: TABLE_WIDTH])
            );
            table_bank #(
                .ADDRESS_WIDTH(CODE_BITS), .WIDTH(BIN_WIDTH)
            ) value_bins (
                .clk_i(clk_i),
                .write_i(clearing || (working && (operation_r == WEIGH || (operation_r == COMBINE && here)))),
                .write_address_i(code),
                .write_data_i((clearing || operation_r == COMBINE) ? {BIN_WIDTH{1'b0}}
                              : old_bin + {{(BIN_WIDTH-WEIGHT_WIDTH){1'b0}}, weight_r}),
                .read_address_i(code),
                .read_data_o(old_bin)
            );
        end
        for (place = 0; place < SUB_DIM; place = place + 1) begin : g_sum
            wire signed [VALUE_WIDTH-1:0] element;
            wire signed [BIN_WIDTH:0] signed_bin;
            wire signed [BIN_WIDTH+VALUE_WIDTH:0] product;
            assign element = centroid_r[place*VALUE_WIDTH +: VALUE_WIDTH];
            assign signed_bin = {1'b0, bin};
            assign product = signed_bin * element;
            assign sums_next[place*SUM_WIDTH +: SUM_WIDTH] =
                ((code_r == {CODE_BITS{1'b0}}) ? {SUM_WIDTH{1'b0}} : sums[place*SUM_WIDTH +: SUM_WIDTH])
                + {{(SUM_WIDTH-BIN_WIDTH-VALUE_WIDTH-1){product[BIN_WIDTH+VALUE_WIDTH]}}, product};
        end
    endgenerate
    assign score_word[0 +: SUM_WIDTH] = score;
    generate
        if (SUB_DIM > 1) begin : g_fill
            assign score_word[SUB_DIM*SUM_WIDTH-1:SUM_WIDTH] = {(SUB_DIM-1)*SUM_WIDTH{1'b0}};
        end
    endgenerate
    assign bin = bin_words[space_r*BIN_WIDTH +: BIN_WIDTH];

    always @(*) begin
        score = {SUM_WIDTH{1'b0}};
        for (index = 0; index < SUB_SPACES; index = index + 1)
            score = score + {{(SUM_WIDTH-TABLE_WIDTH){looked_up[index*TABLE_WIDTH + TABLE_WIDTH - 1]}},
                             looked_up[index*TABLE_WIDTH +: TABLE_WIDTH]};
    end

    always @(posedge clk_i) begin
        if (rst_i) begin
            clearing <= 1'b1;
            clear_code <= {CODE_BITS{1'b0}};
            valid_r <= 1'b0;
            y_valid <= 1'b0;
        end else begin
            clear_code <= clear_code + ONE_CODE;
            if (&clear_code) clearing <= 1'b0;
            if (advance) begin
                valid_r <= accept;
                y_valid <= valid_r && result;
            end
        end
        if (accept && operation == QUERY) query <= x_data_i[0 +: QUERY_BITS];
        if (accept) begin
            operation_r <= operation;
            space_r <= (operation == COMBINE) ? combine_space : build_space;
            code_r <= (operation == COMBINE) ? combine_code : build_code;
            dot_r <= dot;
            codes_r <= x_data_i[0 +: CODES_BITS];
            weight_r <= x_data_i[CODES_BITS +: WEIGHT_WIDTH];
            centroid_r <= x_data_i[0 +: VECTOR_BITS];
        end
        if (working && operation_r == COMBINE) sums <= sums_next;
        if (working && result) begin
            y_data <= (operation_r == SCORE) ? score_word : sums_next;
        end
    end

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (SUB_SPACES < 1 || SUB_SPACES > 64) begin : g_refuse_sub_spaces
            SUB_SPACES_must_be_1_to_64 parameter_error ();
        end
        if (SUB_DIM < 1 || SUB_DIM > 16) begin : g_refuse_sub_dim
            SUB_DIM_must_be_1_to_16 parameter_error ();
        end
        if (CODE_BITS < 1 || CODE_BITS > 12) begin : g_refuse_code_bits
            CODE_BITS_must_be_1_to_12 parameter_error ();
        end
        if (VALUE_WIDTH < 2 || VALUE_WIDTH > 16) begin : g_refuse_value_width
            VALUE_WIDTH_must_be_2_to_16 parameter_error ();
        end
        if (WEIGHT_WIDTH < 1 || WEIGHT_WIDTH > 16) begin : g_refuse_weight_width
            WEIGHT_WIDTH_must_be_1_to_16 parameter_error ();
        end
        if (BIN_WIDTH <= WEIGHT_WIDTH || BIN_WIDTH > 32) begin : g_refuse_bin_width
            BIN_WIDTH_must_be_above_WEIGHT_WIDTH_to_32 parameter_error ();
        end
        if (SUM_WIDTH <= SCORE_WIDTH || SUM_WIDTH <= BIN_WIDTH + VALUE_WIDTH + 1 || SUM_WIDTH > 64) begin : g_refuse_sum_width
            SUM_WIDTH_must_hold_a_score_and_a_weighted_element_to_64 parameter_error ();
        end
    endgenerate
endmodule
