// Weight-stationary array. ROWS weight beats (row 0 first, COLUMNS values each), then activation beats of ROWS values.
// One result beat of COLUMNS sums for each activation beat, ROWS + COLUMNS - 1 edges later. Multipliers: ROWS * COLUMNS.
module systolic_weight_stationary #(
    parameter ROWS             = 4,  // rows of the array
    parameter COLUMNS          = 4,  // columns of the array
    parameter OPERAND_BITS     = 8,  // bits of each operand
    parameter ACCUMULATOR_BITS = 32  // bits of each sum
) (
    input  wire                                clk_i,
    input  wire                                rst_i,
    input  wire                                enable_i,
    input  wire [ROWS-1:0]                     write_i,
    input  wire [COLUMNS*OPERAND_BITS-1:0]     weight_i,
    input  wire                                valid_i,
    input  wire                                first_i,
    input  wire [ROWS*OPERAND_BITS-1:0]        a_i,
    output wire                                valid_o,
    output wire [COLUMNS*ACCUMULATOR_BITS-1:0] data_o
);
    wire [COLUMNS*OPERAND_BITS-1:0] weight;  // column c delayed by c
    wire [COLUMNS*ROWS-1:0]         write;
    wire [(ROWS+1)*COLUMNS*ACCUMULATOR_BITS-1:0] sum_down;
    assign sum_down[COLUMNS*ACCUMULATOR_BITS-1:0] = {(COLUMNS*ACCUMULATOR_BITS){1'b0}};

    delay_line #(.WIDTH(1), .DEPTH(ROWS+COLUMNS-1), .RESET(1)) valid_line (
        .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i), .data_i(valid_i), .data_o(valid_o));

    localparam FIRST = ROWS + COLUMNS - 1;
    // first[n]: the first beat of a tile was accepted n enabled cycles ago.
    reg  [FIRST-1:0] line;
    wire [FIRST:0]   first = {line, first_i};
    always @(posedge clk_i)
        if (rst_i) line <= {FIRST{1'b0}};
        else if (enable_i) line <= first[FIRST-1:0];

    genvar r, c;
    generate
        for (c = 0; c < COLUMNS; c = c + 1) begin : g_edge
            delay_line #(.WIDTH(OPERAND_BITS), .DEPTH(c)) skew (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                .data_i(weight_i[c*OPERAND_BITS +: OPERAND_BITS]), .data_o(weight[c*OPERAND_BITS +: OPERAND_BITS]));
            delay_line #(.WIDTH(ROWS), .DEPTH(c), .RESET(1)) skew_write (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                .data_i(write_i), .data_o(write[c*ROWS +: ROWS]));
            delay_line #(.WIDTH(ACCUMULATOR_BITS), .DEPTH(COLUMNS-1-c)) deskew (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                .data_i(sum_down[(ROWS*COLUMNS+c)*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]),
                .data_o(data_o[c*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]));
        end
        for (r = 0; r < ROWS; r = r + 1) begin : g_row
            wire [(COLUMNS+1)*OPERAND_BITS-1:0] a_right;
            delay_line #(.WIDTH(OPERAND_BITS), .DEPTH(r)) skew (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable_i),
                .data_i(a_i[r*OPERAND_BITS +: OPERAND_BITS]), .data_o(a_right[OPERAND_BITS-1:0]));
            for (c = 0; c < COLUMNS; c = c + 1) begin : g_pe
                pe_weight_stationary #(.OPERAND_BITS(OPERAND_BITS), .ACCUMULATOR_BITS(ACCUMULATOR_BITS),
                                       .BYPASS(ROWS == 1)) pe (
                    .clk_i(clk_i), .enable_i(enable_i),
                    .first_i(first[r+c]), .write_i(write[c*ROWS+r]),
                    .weight_i(weight[c*OPERAND_BITS +: OPERAND_BITS]),
                    .a_i(a_right[c*OPERAND_BITS +: OPERAND_BITS]),
                    .sum_i(sum_down[(r*COLUMNS+c)*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]),
                    .a_o(a_right[(c+1)*OPERAND_BITS +: OPERAND_BITS]),
                    .sum_o(sum_down[((r+1)*COLUMNS+c)*ACCUMULATOR_BITS +: ACCUMULATOR_BITS]));
            end
            wire unused = &{1'b0, a_right[COLUMNS*OPERAND_BITS +: OPERAND_BITS]};
        end
    endgenerate
    wire unused = &{1'b0, first};
endmodule
