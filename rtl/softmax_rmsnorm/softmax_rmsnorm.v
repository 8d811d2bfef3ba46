// softmax_rmsnorm: softmax or RMS norm of a row of up to LANES * DEPTH numbers, LANES a beat.
//
// The row is stored while its largest value and its squares are gathered; softmax then passes over it for the
// exponentials and their sum; one inverse; a last pass multiplies.
// x_data_i : [LANES*DATA-1:0] data, lane 0 lowest; [LANES*DATA +: LANES] keep, one bit a lane (at least one in a row);
//             [LANES*DATA+LANES] 0 softmax, 1 RMS norm (read on the last beat); [LANES*DATA+LANES+1] last
// y_data_o: [LANES*DATA-1:0] results (0 in lanes not kept), [LANES*DATA] last
//             softmax: unsigned, DATA - 1 fraction bits; RMS norm: signed, NORM_FRACTION fraction bits, saturated
// Cycles, first accepted beat to last result, both counted, B beats, no stalls: 3 B + 19 (softmax), 2 B + 26 (RMS norm).
// Multipliers: LANES squares, 2 LANES in the exponents, LANES in the last pass, 1 in the inverse.
`default_nettype none
module softmax_rmsnorm #(
    parameter LANES = 16,  // numbers a beat
    parameter DEPTH = 64,  // beats of the longest row
    parameter DATA = 16,  // bits of a number, 8 to 16
    parameter FRACTION = 8,   // its fraction bits, 1 to DATA - 4
    parameter TABLE_BITS = 6,   // log2 of the exponent table's intervals, 1 to 8
    parameter NORM_FRACTION = 11,  // fraction bits of the RMS norm
    parameter EPSILON = 1    // added to the mean square, in units of 2^(-2 FRACTION), 1 to 65535
) (
    input  wire                          clk_i,
    input  wire                          rst_i,
    input  wire                          x_valid_i,
    output wire                          x_ready_o,
    input  wire [LANES*DATA+LANES+1:0]   x_data_i,
    output wire                          y_valid_o,
    input  wire                          y_ready_i,
    output wire [LANES*DATA:0]           y_data_o
);
    localparam COUNT  = $clog2(LANES * DEPTH + 1);
    localparam WIDTH  = ((2 * DATA + 2 > 26) ? 2 * DATA + 2 : 26) + COUNT;
    localparam BEATS  = $clog2(DEPTH + 1);
    localparam WORD   = 18;
    localparam [2:0] LOAD = 3'd0, SETTLE = 3'd1, EXPONENTS = 3'd2, INVERT = 3'd3, OUTPUT = 3'd4;
    localparam [WIDTH-1:0] EPSILON_WIDE = {{(WIDTH-16){1'b0}}, EPSILON[15:0]};

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (LANES < 1 || LANES > 64) begin : g_refuse_lanes
            LANES_must_be_1_to_64 parameter_error ();
        end
        if (DEPTH < 2 || DEPTH > 4096) begin : g_refuse_depth
            DEPTH_must_be_2_to_4096 parameter_error ();
        end
        if (DATA < 8 || DATA > 16) begin : g_refuse_data
            DATA_must_be_8_to_16 parameter_error ();
        end
        if (FRACTION < 1 || FRACTION > DATA - 4) begin : g_refuse_fraction
            FRACTION_must_be_1_to_DATA_minus_4 parameter_error ();
        end
        if (TABLE_BITS < 1 || TABLE_BITS > 8) begin : g_refuse_table_bits
            TABLE_BITS_must_be_1_to_8 parameter_error ();
        end
        if (NORM_FRACTION < 0 || NORM_FRACTION >= DATA) begin : g_refuse_norm_fraction
            NORM_FRACTION_must_be_0_to_DATA_minus_1 parameter_error ();
        end
        if (EPSILON < 1 || EPSILON > 65535) begin : g_refuse_epsilon
            EPSILON_must_be_1_to_65535 parameter_error ();
        end
    endgenerate

    reg  [2:0]         state;
    reg                settled;      // second cycle of SETTLE
    reg                root;         // RMS norm
    reg                open;         // beats can be taken
    reg  [BEATS-1:0]   beats;        // beats of the row
    reg  [BEATS-1:0]   index;        // beat written or read next
    reg                reading;      // beats are left to read in this pass
    reg                started;      // the inverse runs
    reg  [COUNT-1:0]   count;        // numbers of the row
    reg  [WIDTH-1:0]   total;        // squares, then exponentials
    reg  signed [DATA-1:0] largest;
    reg  [5:0]         places;

    wire run       = y_ready_i || !y_valid_o;
    wire take      = x_valid_i && open;
    wire take_last = take && x_data_i[LANES*DATA+LANES+1];
    wire read      = reading && run && (state == EXPONENTS || state == OUTPUT);
    wire read_last = read && index == beats - 1;

    assign x_ready_o = open;

    // The row's memory: LANES words and their keep bits.
    reg  [LANES*WORD+LANES-1:0] memory [0:(1<<BEATS)-1];
    reg  [LANES*WORD+LANES-1:0] word;
    wire [LANES*WORD-1:0]       arriving, exponentials;
    wire [LANES-1:0]            keep = x_data_i[LANES*DATA +: LANES];

    // What follows a read beat: word | exponent 1 | 2 | 3 | sum, and word | product | result.
    reg  [4:0]             after_valid, after_first, after_last;
    wire [LANES-1:0]       kept_0 = word[LANES*WORD +: LANES];
    reg  [LANES-1:0]       kept_1, kept_2, kept_3;
    reg  [BEATS*4-1:0]     after_index;
    reg  [2:0]             result_valid, result_last;
    wire                   store = after_valid[3] && state == EXPONENTS;

    always @(posedge clk_i) begin
        if (take) memory[index] <= {keep, arriving};
        else if (store) memory[after_index[3*BEATS +: BEATS]] <= {kept_3, exponentials};
        if (run) word <= memory[index];
    end

    // Gather: largest, count and squares of a beat, then of the row.
    reg                      gather_valid, gather_first, sum_valid, sum_first;
    reg  signed [DATA-1:0]   beat_largest;
    reg  [COUNT-1:0]         beat_count;
    reg                      beat_any;
    reg                      any;
    reg  [LANES*2*DATA-1:0]  squares;
    reg  [WIDTH-1:0]         beat_squares;
    reg  [WIDTH-1:0]         beat_exponentials;
    wire [LANES*2*DATA-1:0]  lane_squares;
    wire [LANES*25-1:0]      values;

    reg  signed [DATA-1:0]   next_largest;
    reg  [COUNT-1:0]         next_count;
    reg  [WIDTH-1:0]         square_sum;
    reg  [WIDTH-1:0]         exponential_sum;
    integer lane;
    always @(*) begin
        next_largest    = {1'b1, {(DATA-1){1'b0}}};
        next_count      = {COUNT{1'b0}};
        square_sum      = {WIDTH{1'b0}};
        exponential_sum = {WIDTH{1'b0}};
        for (lane = 0; lane < LANES; lane = lane + 1) begin
            if (keep[lane] && $signed(x_data_i[lane*DATA +: DATA]) > next_largest)
                next_largest = x_data_i[lane*DATA +: DATA];
            next_count      = next_count + {{(COUNT-1){1'b0}}, keep[lane]};
            square_sum      = square_sum + {{(WIDTH-2*DATA){1'b0}}, squares[lane*2*DATA +: 2*DATA]};
            exponential_sum = exponential_sum + {{(WIDTH-25){1'b0}}, values[lane*25 +: 25]};
        end
    end

    always @(posedge clk_i) begin
        if (take) begin
            squares      <= lane_squares;
            beat_largest <= next_largest;
            beat_count   <= next_count;
            beat_any     <= |keep;
        end
        if (gather_valid) begin
            beat_squares <= square_sum;
            count        <= gather_first ? beat_count : count + beat_count;
            any          <= beat_any || (!gather_first && any);
            if (gather_first || !any || (beat_any && beat_largest > largest)) largest <= beat_largest;
        end
        if (after_valid[3]) beat_exponentials <= exponential_sum;
        if (sum_valid) total <= sum_first ? beat_squares : total + beat_squares;
        else if (after_valid[4] && state == EXPONENTS)
            total <= after_first[4] ? beat_exponentials : total + beat_exponentials;
    end

    // The inverse.
    wire              inverse_done;
    wire [26:0]       inverse;
    wire signed [6:0] inverse_place;
    wire [WIDTH-1:0]  count_wide = {{(WIDTH-COUNT){1'b0}}, count};
    wire [WIDTH-1:0]  argument   = root ? total + count_wide * EPSILON_WIDE : total;
    localparam integer SOFTMAX_SHIFT = 17 - DATA;
    localparam integer NORM_SHIFT    = 24 - NORM_FRACTION;
    wire signed [6:0] shift = inverse_place + (root ? $signed(NORM_SHIFT[6:0]) : $signed(SOFTMAX_SHIFT[6:0]));
    wire              unused = shift[6];
    sfu_inverse #(.WIDTH(WIDTH)) invert (
        .clk_i(clk_i), .rst_i(rst_i), .start_i(state == INVERT && !started), .root_i(root), .total_i(argument),
        .count_i(count_wide), .done_o(inverse_done), .mantissa_o(inverse), .place_o(inverse_place)
    );

    always @(posedge clk_i) begin
        gather_valid <= take;
        gather_first <= index == 0;
        sum_valid    <= gather_valid;
        sum_first    <= gather_first;
        if (run) begin
            after_valid  <= {after_valid[3:0], read && state == EXPONENTS};
            after_first  <= {after_first[3:0], index == 0};
            after_last   <= {after_last[3:0], read_last};
            after_index  <= {after_index[3*BEATS-1:0], index};
            result_valid <= {result_valid[1:0], read && state == OUTPUT};
            result_last  <= {result_last[1:0], read_last};
            kept_1       <= kept_0;
            kept_2       <= kept_1;
            kept_3       <= kept_2;
        end
        if (take) begin
            index <= take_last ? {BEATS{1'b0}} : index + 1;
            beats <= index + 1;
            root  <= x_data_i[LANES*DATA+LANES];
        end
        if (read) begin
            index   <= read_last ? {BEATS{1'b0}} : index + 1;
            reading <= !read_last;
        end
        case (state)
            LOAD: if (take_last) begin
                open    <= 1'b0;
                settled <= 1'b0;
                started <= 1'b0;
                state   <= SETTLE;
            end
            SETTLE: begin
                settled <= 1'b1;
                if (settled) begin
                    reading <= 1'b1;
                    state   <= root ? INVERT : EXPONENTS;
                end
            end
            EXPONENTS: if (after_valid[4] && after_last[4]) state <= INVERT;
            INVERT: begin
                started <= 1'b1;
                if (inverse_done) begin
                    reading <= 1'b1;
                    places  <= shift[5:0];
                    state   <= OUTPUT;
                end
            end
            default: if (y_valid_o && y_ready_i && result_last[2]) begin
                open  <= 1'b1;
                state <= LOAD;
            end
        endcase
        if (rst_i) begin
            state        <= LOAD;
            open         <= 1'b1;
            index        <= {BEATS{1'b0}};
            gather_valid <= 1'b0;
            sum_valid    <= 1'b0;
            after_valid  <= 5'd0;
            result_valid <= 3'd0;
        end
    end

    genvar place;
    generate
        for (place = 0; place < LANES; place = place + 1) begin : lanes
            wire [DATA-1:0]          data   = x_data_i[place*DATA +: DATA];
            wire signed [2*DATA-1:0] wide   = {{DATA{data[DATA-1]}}, data};
            wire [2*DATA-1:0]        square = wide * wide;
            wire [WORD-1:0]          held   = word[place*WORD +: WORD];
            wire [24:0]              value;
            wire [24:0]              shown  = kept_3[place] ? value : 25'd0;
            wire [17:0]              stored = shown[24:7] + 18'd1;
            wire [DATA-1:0]          result;
            wire                     unused_bits = &{1'b0, stored[0], shown[6:0]};
            assign lane_squares[place*2*DATA +: 2*DATA] = keep[place] ? square : {(2*DATA){1'b0}};
            assign arriving[place*WORD +: WORD]         = {{(WORD-DATA){data[DATA-1]}}, data};
            assign values[place*25 +: 25]               = shown;
            assign exponentials[place*WORD +: WORD]     = {1'b0, stored[17:1]};
            assign y_data_o[place*DATA +: DATA]       = kept_2[place] ? result : {DATA{1'b0}};
            sfu_exponent #(.DATA(DATA), .FRACTION(FRACTION), .TABLE_BITS(TABLE_BITS)) exponent (
                .clk_i(clk_i), .step_i(run), .largest_i(largest), .data_i(held[DATA-1:0]), .value_o(value)
            );
            sfu_scale #(.DATA(DATA)) scale (
                .clk_i(clk_i), .step_i(run), .signed_i(root), .data_i(held), .mantissa_i(inverse), .places_i(places),
                .result_o(result)
            );
        end
    endgenerate

    assign y_valid_o            = result_valid[2];
    assign y_data_o[LANES*DATA] = result_last[2];
endmodule
`default_nettype wire
