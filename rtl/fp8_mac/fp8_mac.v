// fp8_mac: FP8 multiply-accumulate in FP32, one product a cycle, round to nearest even at every addition.
//
// A vector of products ends with the beat whose `last` bit is set; one result follows. The adder takes PARTIAL_SUMS
// cycles, so product k is added to partial sum k mod PARTIAL_SUMS (all start at +0); the partial sums are then added
// in pairs, 0 with 1, 2 with 3, level by level, on the same adder.
//
// x_data_i : [7:0] a, [15:8] b, [17:16] format of a, [19:18] format of b, [25:20] bias of a, [31:26] bias of b, [32] last
// y_data_o: [31:0] FP32, [39:32] the same as FP8
// Cycles, first accepted beat to the result, both counted, K beats, no stalls, L = PARTIAL_SUMS:
//     K + 2 + L (1 + log2 L) + (L - 1)
// Multipliers: one of 4 x 4 bits.
`default_nettype none
module fp8_mac #(
    parameter PARTIAL_SUMS = 1,  // adder latency and interleaved partial sums: 1, 2 or 4
    parameter OUTPUT_FORMAT = 0,  // FP8 output: 0 E4M3 to 448, 1 E4M3 to 240, 2 E5M2
    parameter OUTPUT_BIAS = 7,  // exponent bias of the FP8 output, 0..63
    parameter OUTPUT_SATURATE = 1   // 1: overflow gives the largest value
) (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        x_valid_i,
    output wire        x_ready_o,
    input  wire [32:0] x_data_i,
    output wire        y_valid_o,
    input  wire        y_ready_i,
    output wire [39:0] y_data_o
);
    localparam [1:0] ACCUMULATE = 2'd0;
    localparam [1:0] FLUSH      = 2'd1;
    localparam [1:0] TREE       = 2'd2;
    localparam [1:0] OUTPUT     = 2'd3;
    localparam [2:0] SUMS       = PARTIAL_SUMS[2:0];
    localparam [1:0] LAST_SLOT  = SUMS[1:0] - 2'd1;

    reg  [1:0]  state;
    reg         open;            // a beat can be taken
    reg         product_valid;
    reg         product_last;
    reg  [31:0] product;
    reg  [1:0]  slot;            // partial sum that the next product joins
    reg         warm;            // the partial sum leaving the adder belongs to this vector
    reg  [2:0]  pairs;           // pairs on this level of the tree
    reg  [2:0]  count;           // cycle within the flush or within a level
    reg  [31:0] partial [0:3];
    reg  [31:0] result;

    wire [31:0] exact;
    wire [31:0] ring;
    wire [31:0] carried   = warm ? ring : 32'd0;
    wire        take      = x_valid_i && open;
    wire        slot_end  = slot == LAST_SLOT;
    wire        step      = (state == ACCUMULATE) ? product_valid : (state != OUTPUT);
    wire [31:0] left_sum  = partial[{count[0], 1'b0}];
    wire [31:0] right_sum = partial[{count[0], 1'b1}];
    wire [1:0]  returned  = count[1:0] - SUMS[1:0];
    wire        level_end = count == pairs + SUMS - 3'd1;

    assign x_ready_o       = open;
    assign y_valid_o      = state == OUTPUT;
    assign y_data_o[31:0] = result;

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (PARTIAL_SUMS != 1 && PARTIAL_SUMS != 2 && PARTIAL_SUMS != 4) begin : g_refuse_partial_sums
            PARTIAL_SUMS_must_be_1_2_or_4 parameter_error ();
        end
        if (OUTPUT_FORMAT < 0 || OUTPUT_FORMAT > 2) begin : g_refuse_output_format
            OUTPUT_FORMAT_must_be_0_to_2 parameter_error ();
        end
        if (OUTPUT_BIAS < 0 || OUTPUT_BIAS > 63) begin : g_refuse_output_bias
            OUTPUT_BIAS_must_be_0_to_63 parameter_error ();
        end
        if (OUTPUT_SATURATE != 0 && OUTPUT_SATURATE != 1) begin : g_refuse_output_saturate
            OUTPUT_SATURATE_must_be_0_or_1 parameter_error ();
        end
    endgenerate

    always @(posedge clk_i) begin
        if (rst_i) begin
            state         <= ACCUMULATE;
            open          <= 1'b1;
            product_valid <= 1'b0;
            product_last  <= 1'b0;
            slot          <= 2'd0;
            warm          <= 1'b0;
            pairs         <= 3'd0;
            count         <= 3'd0;
        end else begin
            product_valid <= take;
            if (take) begin
                product_last <= x_data_i[32];
                if (x_data_i[32]) open <= 1'b0;
            end
            case (state)
                ACCUMULATE: if (product_valid) begin
                    slot <= slot_end ? 2'd0 : slot + 2'd1;
                    if (slot_end) warm <= 1'b1;
                    if (product_last) begin
                        state <= FLUSH;
                        count <= 3'd0;
                    end
                end
                FLUSH: begin
                    slot  <= slot_end ? 2'd0 : slot + 2'd1;
                    if (slot_end) warm <= 1'b1;
                    count <= count + 3'd1;
                    if (count == SUMS - 3'd1) begin
                        state <= (PARTIAL_SUMS == 1) ? OUTPUT : TREE;
                        pairs <= SUMS >> 1;
                        count <= 3'd0;
                    end
                end
                TREE: begin
                    count <= count + 3'd1;
                    if (level_end) begin
                        pairs <= pairs >> 1;
                        count <= 3'd0;
                        if (pairs == 3'd1) state <= OUTPUT;
                    end
                end
                default: if (y_ready_i) begin
                    state <= ACCUMULATE;
                    open  <= 1'b1;
                    slot  <= 2'd0;
                    warm  <= 1'b0;
                end
            endcase
        end
    end

    // Data registers need no reset.
    always @(posedge clk_i) begin
        if (take) product <= exact;
        if (state == FLUSH) begin
            partial[slot] <= carried;
            result        <= carried;
        end
        if (state == TREE && count >= SUMS) begin
            partial[returned] <= ring;
            result            <= ring;
        end
    end

    fp8_multiply multiply (
        .a_i(x_data_i[7:0]), .b_i(x_data_i[15:8]), .a_format_i(x_data_i[17:16]), .b_format_i(x_data_i[19:18]),
        .a_bias_i(x_data_i[25:20]), .b_bias_i(x_data_i[31:26]), .product_o(exact)
    );
    fp32_add #(.STAGES(PARTIAL_SUMS)) add (
        .clk_i(clk_i), .step_i(step),
        .x_i(state == TREE ? left_sum : carried), .y_i(state == TREE ? right_sum : product), .sum_o(ring)
    );
    fp32_to_fp8 #(.FORMAT(OUTPUT_FORMAT), .BIAS(OUTPUT_BIAS), .SATURATE(OUTPUT_SATURATE)) cast (
        .data_i(result), .code_o(y_data_o[39:32])
    );
endmodule
`default_nettype wire
