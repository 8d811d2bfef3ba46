// In-flash compute core: a vector in its buffer, matrix rows from the page buffer, LANES signed INT8 products a cycle.
// page_data_i = {done, read, values}: read beats pass through to the channel between results (interleaved slices);
// done marks the last weight beat that uses the vector and frees its buffer. activation_data_i = {last, values}.
// result_data_o = {read, data}: a row's sum, or a read beat. Latency of a result: 2 + ceil(log2 LANES) edges.
module flash_gemv #(
    parameter LANES            = 4,    // values a beat, 1..64
    parameter BUFFER_BYTES     = 2048, // vector buffer: at most BUFFER_BYTES / LANES beats
    parameter ACCUMULATOR_BITS = 32    // bits of a sum, wraps around
) (
    input  wire                        clk_i,
    input  wire                        rst_i,
    input  wire                        activation_valid_i,
    output wire                        activation_ready_o,
    input  wire [LANES*8:0]            activation_data_i,
    input  wire                        page_valid_i,
    output wire                        page_ready_o,
    input  wire [LANES*8+1:0]          page_data_i,
    output wire                        result_valid_o,
    input  wire                        result_ready_i,
    output wire [((LANES*8 > ACCUMULATOR_BITS) ? LANES*8 : ACCUMULATOR_BITS):0] result_data_o
);
    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (LANES < 1 || LANES > 64) begin : g_refuse_lanes
            LANES_must_be_1_to_64 parameter_error ();
        end
        if (BUFFER_BYTES < 2 * LANES || BUFFER_BYTES > 16384) begin : g_refuse_buffer_bytes
            BUFFER_BYTES_must_be_twice_LANES_to_16384 parameter_error ();
        end
        if (ACCUMULATOR_BITS < 24 || ACCUMULATOR_BITS > 48) begin : g_refuse_accumulator_bits
            ACCUMULATOR_BITS_must_be_24_to_48 parameter_error ();
        end
    endgenerate
    localparam WIDTH  = LANES * 8;
    localparam DATA   = (WIDTH > ACCUMULATOR_BITS) ? WIDTH : ACCUMULATOR_BITS;
    localparam BEATS  = BUFFER_BYTES / LANES;
    localparam AWIDTH = (BEATS > 1) ? $clog2(BEATS) : 1;
    localparam LEVELS = $clog2(LANES);
    localparam SUM    = 16 + LEVELS;
    localparam [AWIDTH-1:0] STEP = 1;

    reg [AWIDTH-1:0] fill;     // next beat of the vector to write
    reg [AWIDTH-1:0] final_beat;  // address of the vector's last beat
    reg [AWIDTH-1:0] place;    // beat of the row
    reg              loaded;

    wire enable = !result_valid_o || result_ready_i;
    wire read   = page_data_i[WIDTH];
    wire done   = page_data_i[WIDTH+1];
    wire load   = activation_valid_i && !loaded;
    wire accept = page_valid_i && page_ready_o;
    wire weight = accept && !read;
    wire row_end = weight && (place == final_beat);
    assign activation_ready_o = !loaded;
    assign page_ready_o       = enable && (loaded || read);

    always @(posedge clk_i)
        if (rst_i) begin
            fill   <= {AWIDTH{1'b0}};
            place  <= {AWIDTH{1'b0}};
            loaded <= 1'b0;
        end else begin
            if (load) begin
                fill   <= activation_data_i[WIDTH] ? {AWIDTH{1'b0}} : fill + STEP;
                loaded <= activation_data_i[WIDTH];
            end
            if (weight) place <= row_end ? {AWIDTH{1'b0}} : place + STEP;
            if (weight && done) loaded <= 1'b0;
        end
    always @(posedge clk_i)
        if (load) begin
            final_beat   <= fill;
        end

    // Products, registered; then the adder tree.
    wire [WIDTH-1:0] vector;
    vector_buffer #(.WIDTH(WIDTH), .DEPTH(BEATS), .ADDRESS_BITS(AWIDTH)) vectors (
        .clk_i(clk_i), .write_i(load), .write_address_i(fill), .data_i(activation_data_i[WIDTH-1:0]),
        .read_address_i(place), .data_o(vector));
    wire [LANES*16-1:0] products;
    wire [SUM-1:0]      sum;
    genvar i;
    generate
        for (i = 0; i < LANES; i = i + 1) begin : g_lane
            wire signed [7:0]  a = vector[i*8 +: 8];
            wire signed [7:0]  w = page_data_i[i*8 +: 8];
            wire signed [15:0] product = a * w;
            reg  signed [15:0] held;
            always @(posedge clk_i)
                if (enable) held <= product;
            assign products[i*16 +: 16] = held;
        end
    endgenerate
    adder_tree #(.LANES(LANES), .WIDTH(16)) tree (
        .clk_i(clk_i), .enable_i(enable), .data_i(products), .sum_o(sum));

    // What the beat is, and the data of a read beat, travel beside it.
    wire [2:0]       control;
    wire [WIDTH-1:0] passed;
    delay_line #(.WIDTH(3), .DEPTH(1+LEVELS), .RESET(1)) control_line (
        .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable),
        .data_i({weight, row_end, accept && read}), .data_o(control));
    delay_line #(.WIDTH(WIDTH), .DEPTH(1+LEVELS)) data_line (
        .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable), .data_i(page_data_i[WIDTH-1:0]), .data_o(passed));

    reg  [ACCUMULATOR_BITS-1:0] accumulator;
    wire [ACCUMULATOR_BITS-1:0] total = accumulator + {{(ACCUMULATOR_BITS-SUM+1){sum[SUM-1]}}, sum[SUM-2:0]};
    wire [DATA:0] wide_total  = {{(DATA-ACCUMULATOR_BITS+1){1'b0}}, total};
    wire [DATA:0] read_beat;
    reg           valid;
    reg  [DATA:0] data;
    generate
        if (DATA > WIDTH) begin : g_narrow
            assign read_beat = {1'b1, {(DATA-WIDTH){1'b0}}, passed};
        end else begin : g_wide
            assign read_beat = {1'b1, passed};
        end
    endgenerate
    always @(posedge clk_i)
        if (rst_i) begin
            valid       <= 1'b0;
            accumulator <= {ACCUMULATOR_BITS{1'b0}};
        end else if (enable) begin
            valid <= control[1] || control[0];
            if (control[2]) accumulator <= control[1] ? {ACCUMULATOR_BITS{1'b0}} : total;
        end
    always @(posedge clk_i)
        if (enable) data <= control[0] ? read_beat : wide_total;
    assign result_valid_o = valid;
    assign result_data_o  = data;
endmodule
