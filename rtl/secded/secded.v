// SEC-DED words (Hsiao): corrects one wrong bit, detects two. For comparison with the majority copies of outlier_ecc.
// ENCODE = 1: x_data_i = data, y_data_o = {check, data}.
// ENCODE = 0: x_data_i = {check, data}, y_data_o = {failed, corrected, data}; a failed word keeps its data as it came.
// Latency: 1 cycle (W words: W + 1 cycles); throughput: a word a cycle. Multipliers: 0.
module secded #(
    parameter DATA_WIDTH = 32,  // data bits of a word, 4 to 64
    parameter ENCODE = 0        // 1: encode, 0: decode
) (
    input  wire clk_i,
    input  wire rst_i,
    input  wire x_valid_i,
    output wire x_ready_o,
    input  wire [DATA_WIDTH + ((ENCODE == 1) ? 0 : (DATA_WIDTH <= 4) ? 4 : (DATA_WIDTH <= 11) ? 5 : (DATA_WIDTH <= 26) ? 6
        : (DATA_WIDTH <= 57) ? 7 : 8) - 1:0] x_data_i,
    output wire y_valid_o,
    input  wire y_ready_i,
    output wire [DATA_WIDTH + ((ENCODE == 0) ? 2 : (DATA_WIDTH <= 4) ? 4 : (DATA_WIDTH <= 11) ? 5 : (DATA_WIDTH <= 26) ? 6
        : (DATA_WIDTH <= 57) ? 7 : 8) - 1:0] y_data_o
);
    localparam CHECK = (DATA_WIDTH <= 4) ? 4 : (DATA_WIDTH <= 11) ? 5 : (DATA_WIDTH <= 26) ? 6 : (DATA_WIDTH <= 57) ? 7 : 8;
    localparam Y_WIDTH = (ENCODE == 1) ? DATA_WIDTH + CHECK : DATA_WIDTH + 2;

    wire [DATA_WIDTH*CHECK-1:0] columns;
    wire [Y_WIDTH-1:0] result;
    wire advance;
    reg  y_valid;
    reg  [Y_WIDTH-1:0] y_data;
    reg  [CHECK-1:0] sum;
    integer place;
    genvar bit_index;

    secded_columns #(
        .DATA(DATA_WIDTH), .CHECK(CHECK)
    ) matrix (
        .columns_o(columns)
    );
    always @(*) begin
        sum = {CHECK{1'b0}};
        for (place = 0; place < DATA_WIDTH; place = place + 1)
            if (x_data_i[place]) sum = sum ^ columns[place*CHECK +: CHECK];
    end
    generate
        if (ENCODE == 1) begin : g_encode
            assign result = {sum, x_data_i};
        end else begin : g_decode
            wire [CHECK-1:0] syndrome;
            wire [DATA_WIDTH-1:0] flips;
            wire one_check;
            assign syndrome = sum ^ x_data_i[DATA_WIDTH +: CHECK];
            for (bit_index = 0; bit_index < DATA_WIDTH; bit_index = bit_index + 1) begin : g_flip
                assign flips[bit_index] = syndrome == columns[bit_index*CHECK +: CHECK];
            end
            assign one_check = syndrome != {CHECK{1'b0}} && (syndrome & (~syndrome + {{(CHECK-1){1'b0}}, 1'b1})) == syndrome;
            assign result = {
                syndrome != {CHECK{1'b0}} && !one_check && !(|flips),
                one_check || |flips,
                x_data_i[DATA_WIDTH-1:0] ^ flips
            };
        end
    endgenerate

    assign advance = !y_valid || y_ready_i;
    assign x_ready_o = advance;
    assign y_valid_o = y_valid;
    assign y_data_o = y_data;
    always @(posedge clk_i) begin
        if (rst_i) y_valid <= 1'b0;
        else if (advance) y_valid <= x_valid_i;
        if (advance) y_data <= result;
    end

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (DATA_WIDTH < 4 || DATA_WIDTH > 64) begin : g_refuse_data_width
            DATA_WIDTH_must_be_4_to_64 parameter_error ();
        end
        if (ENCODE != 0 && ENCODE != 1) begin : g_refuse_encode
            ENCODE_must_be_0_or_1 parameter_error ();
        end
    endgenerate
endmodule
