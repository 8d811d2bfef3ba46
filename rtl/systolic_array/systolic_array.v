// Systolic array of ROWS x COLUMNS signed multiply-accumulates with valid and ready on every stream.
// DATAFLOW 0, output-stationary: activation and weight beats move together, ROWS result beats a tile (row ROWS-1 first).
// DATAFLOW 1, weight-stationary: ROWS weight beats (row 0 first), then activation beats, one result beat for each.
// activation_data_i = {last, value[ROWS-1], ..., value[0]}; last ends a tile. Cycles of T tiles of L beats:
// (T - 1) max(L, ROWS) + L + 2 ROWS + COLUMNS - 2. The array freezes as a whole while a result is not taken.
module systolic_array #(
    parameter ROWS             = 4,  // rows, 1..64
    parameter COLUMNS          = 4,  // columns, 1..64
    parameter OPERAND_BITS     = 8,  // bits of each signed operand
    parameter ACCUMULATOR_BITS = 32, // bits of each signed sum, wraps around
    parameter DATAFLOW         = 0   // 0 output-stationary, 1 weight-stationary
) (
    input  wire                                clk_i,
    input  wire                                rst_i,
    input  wire                                activation_valid_i,
    output wire                                activation_ready_o,
    input  wire [ROWS*OPERAND_BITS:0]          activation_data_i,
    input  wire                                weight_valid_i,
    output wire                                weight_ready_o,
    input  wire [COLUMNS*OPERAND_BITS-1:0]     weight_data_i,
    output wire                                result_valid_o,
    input  wire                                result_ready_i,
    output wire [COLUMNS*ACCUMULATOR_BITS-1:0] result_data_o
);
    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (ROWS < 1 || ROWS > 64) begin : g_refuse_rows
            ROWS_must_be_1_to_64 parameter_error ();
        end
        if (COLUMNS < 1 || COLUMNS > 64) begin : g_refuse_columns
            COLUMNS_must_be_1_to_64 parameter_error ();
        end
        if (OPERAND_BITS < 2 || OPERAND_BITS > 16) begin : g_refuse_operand_bits
            OPERAND_BITS_must_be_2_to_16 parameter_error ();
        end
        if (ACCUMULATOR_BITS < 2 * OPERAND_BITS || ACCUMULATOR_BITS > 48) begin : g_refuse_accumulator_bits
            ACCUMULATOR_BITS_must_be_twice_OPERAND_BITS_to_48 parameter_error ();
        end
        if (DATAFLOW != 0 && DATAFLOW != 1) begin : g_refuse_dataflow
            DATAFLOW_must_be_0_or_1 parameter_error ();
        end
    endgenerate
    wire enable = !result_valid_o || result_ready_i;
    wire last   = activation_data_i[ROWS*OPERAND_BITS];

    generate
        if (DATAFLOW == 0) begin : g_output
            wire clear;
            wire open   = enable && (clear || !last);
            wire accept = open && activation_valid_i && weight_valid_i;
            assign activation_ready_o = open && weight_valid_i;
            assign weight_ready_o     = open && activation_valid_i;
            systolic_output_stationary #(.ROWS(ROWS), .COLUMNS(COLUMNS), .OPERAND_BITS(OPERAND_BITS),
                                         .ACCUMULATOR_BITS(ACCUMULATOR_BITS)) array (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable), .valid_i(accept), .last_i(last),
                .a_i(activation_data_i[ROWS*OPERAND_BITS-1:0]), .b_i(weight_data_i),
                .clear_o(clear), .valid_o(result_valid_o), .data_o(result_data_o));
        end else begin : g_weight
            localparam [ROWS:0] ROW_0 = 1;
            reg [ROWS-1:0] row;   // one-hot: the row that the next weight beat fills
            reg            full;  // a whole tile of weights waits for its first activation
            reg            busy;  // inside a tile's activations
            wire load  = enable && !full && weight_valid_i;
            wire whole = full || (load && row[ROWS-1]);
            wire go    = enable && activation_valid_i && (busy || whole);
            wire first = go && !busy;
            assign weight_ready_o     = enable && !full;
            assign activation_ready_o = enable && (busy || whole);
            wire [ROWS:0] rotated = {row, row[ROWS-1]};
            always @(posedge clk_i)
                if (rst_i) begin
                    row  <= ROW_0[ROWS-1:0];
                    full <= 1'b0;
                    busy <= 1'b0;
                end else if (enable) begin
                    if (load) row <= rotated[ROWS-1:0];
                    full <= whole && !first;
                    if (go) busy <= !last;
                end
            wire unused = rotated[ROWS];
            systolic_weight_stationary #(.ROWS(ROWS), .COLUMNS(COLUMNS), .OPERAND_BITS(OPERAND_BITS),
                                         .ACCUMULATOR_BITS(ACCUMULATOR_BITS)) array (
                .clk_i(clk_i), .rst_i(rst_i), .enable_i(enable), .write_i(load ? row : {ROWS{1'b0}}),
                .weight_i(weight_data_i), .valid_i(go), .first_i(first),
                .a_i(activation_data_i[ROWS*OPERAND_BITS-1:0]),
                .valid_o(result_valid_o), .data_o(result_data_o));
        end
    endgenerate
endmodule
