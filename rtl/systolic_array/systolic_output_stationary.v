// Output-stationary array. One beat: a column of A (ROWS) and a row of B (COLUMNS), last_i on the tile's last beat.
// Results: ROWS beats of COLUMNS sums, row ROWS-1 first. L beats: L + 2 ROWS + COLUMNS - 2 cycles; the next tile
// enters at once, its last beat at least ROWS enabled cycles after the one before. Multipliers: ROWS * COLUMNS.
module systolic_output_stationary #(
    parameter ROWS             = 4,  // rows of the array
    parameter COLUMNS          = 4,  // columns of the array
    parameter OPERAND_BITS     = 8,  // bits of each operand
    parameter ACCUMULATOR_BITS = 32  // bits of each sum
) (
    input  wire                                clk_i,
    input  wire                                rst_i,
    input  wire                                enable_i,
    input  wire                                valid_i,
    input  wire                                last_i,
    input  wire [ROWS*OPERAND_BITS-1:0]        a_i,
    input  wire [COLUMNS*OPERAND_BITS-1:0]     b_i,
    output wire                                clear_o,
    output wire                                valid_o,
    output wire [COLUMNS*ACCUMULATOR_BITS-1:0] data_o
);
    localparam LINE = 2 * ROWS + COLUMNS;
    // history[n]: a tile's last beat was accepted n enabled cycles ago.
    reg  [LINE-1:0] line;
    wire [LINE:0]   history = {line, valid_i && last_i};
    always @(posedge clk_i)
        if (rst_i) line <= {LINE{1'b0}};
        else if (enable_i) line <= history[LINE-1:0];

    generate
        if (ROWS > 1) begin : g_clear
            assign clear_o = !(|line[ROWS-2:0]);
        end else begin : g_always_clear
            assign clear_o = 1'b1;
        end
    endgenerate
    assign valid_o = |history[2*ROWS+COLUMNS-2 : ROWS+COLUMNS-1];

    wire [(ROWS+1)*COLUMNS*OPERAND_BITS-1:0]     b_down;
    wire [(ROWS+1)*COLUMNS*ACCUMULATOR_BITS-1:0] drain_down;
    assign drain_down[COLUMNS*ACCUMULATOR_BITS-1:0] = {(COLUMNS*ACCUMULATOR_BITS){1'b0}};

    genvar r, c;
    generate
        for (c = 0; c < COLUMNS; c = c + 1) begin : g_edge
            delay_line #(.WIDTH(OPERAND_BITS), .DEPTH(c)) skew (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                .data_i(b_i[c*OPERAND_BITS +: OPERAND_BITS]), .data_o(b_down[c*OPERAND_BITS +: OPERAND_BITS]));
            delay_line #(.WIDTH(ACCUMULATOR_BITS), .DEPTH(COLUMNS-1-c)) deskew (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                .data_i(drain_down[(ROWS*COLUMNS+c)*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]),
                .data_o(data_o[c*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]));
        end
        for (r = 0; r < ROWS; r = r + 1) begin : g_row
            wire [(COLUMNS+1)*OPERAND_BITS-1:0] a_right;
            wire [COLUMNS:0] valid_right;
            wire [COLUMNS:0] last_right;
            wire [COLUMNS:0] shift_right;
            delay_line #(.WIDTH(OPERAND_BITS), .DEPTH(r)) skew (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                .data_i(a_i[r*OPERAND_BITS +: OPERAND_BITS]), .data_o(a_right[OPERAND_BITS-1:0]));
            delay_line #(.WIDTH(1), .DEPTH(r), .RESET(1)) skew_valid (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i), .data_i(valid_i), .data_o(valid_right[0]));
            assign last_right[0] = history[r];
            // Row r takes r sums from above, once the column's lowest sum is on its way out.
            if (r == 0) begin : g_top
                assign shift_right[0] = 1'b0;
            end else begin : g_shift
                assign shift_right[0] = |history[ROWS+r-1 : ROWS];
            end
            for (c = 0; c < COLUMNS; c = c + 1) begin : g_pe
                pe_output_stationary #(.OPERAND_BITS(OPERAND_BITS), .ACCUMULATOR_BITS(ACCUMULATOR_BITS)) pe (
                    .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                    .valid_i(valid_right[c]), .last_i(last_right[c]), .shift_i(shift_right[c]),
                    .a_i(a_right[c*OPERAND_BITS +: OPERAND_BITS]),
                    .b_i(b_down[(r*COLUMNS+c)*OPERAND_BITS +: OPERAND_BITS]),
                    .drain_i(drain_down[(r*COLUMNS+c)*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]),
                    .valid_o(valid_right[c+1]), .last_o(last_right[c+1]), .shift_o(shift_right[c+1]),
                    .a_o(a_right[(c+1)*OPERAND_BITS +: OPERAND_BITS]),
                    .b_o(b_down[((r+1)*COLUMNS+c)*OPERAND_BITS +: OPERAND_BITS]),
                    .drain_o(drain_down[((r+1)*COLUMNS+c)*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]));
            end
            wire unused = &{1'b0, a_right[COLUMNS*OPERAND_BITS +: OPERAND_BITS], valid_right[COLUMNS],
                            last_right[COLUMNS], shift_right[COLUMNS]};
        end
    endgenerate
    wire unused = &{1'b0, history, b_down[ROWS*COLUMNS*OPERAND_BITS +: COLUMNS*OPERAND_BITS]};
endmodule
