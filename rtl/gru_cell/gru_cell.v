// gru_cell: a gated recurrent unit over a sequence, in fixed point, with hard sigmoid and hard tanh.
//
//   z, r = hard_sigmoid(W x + b + U h + d);  c = hard_tanh(W x + b + r (U h + d));  h' = z h + (1 - z) c
// UNITS = ceil(HIDDEN / REUSE) hidden units are computed at a time: 6 UNITS multipliers, each used by REUSE rows, input
// and state products side by side. The state starts at zero, and again after a step marked last.
//
// weight_data_i: once after reset. For group, then gate (update, reset, candidate), then unit of the group: b, W row,
//                d, U row. Units past HIDDEN (last group) are sent too, as zeros.
// x_data_i    : one element of x a beat, INPUTS beats a step; [DATA-1:0] x, [DATA] last step (read on its last beat)
// y_data_o   : one group a beat, REUSE beats a step; unit 0 lowest, then [UNITS*DATA] last group of a last step
// Cycles, first x beat to last result, both counted, T steps, no stalls:
//     INPUTS + T (REUSE (max(INPUTS, HIDDEN) + 1) + 5)
`default_nettype none
module gru_cell #(
    parameter INPUTS = 70,    // elements of x
    parameter HIDDEN = 64,    // elements of the state
    parameter REUSE = 1,     // rows that share a multiplier, 1 to HIDDEN
    parameter DATA = 16,    // bits of an activation
    parameter FRACTION = 10,    // its fraction bits: 6 integer bits
    parameter WEIGHT = 16,    // bits of a weight
    parameter WEIGHT_FRACTION = 14,    // its fraction bits: 2 integer bits
    parameter SLOPE = 13107, // of the hard sigmoid, times 65536
    parameter UNITS = (HIDDEN + REUSE - 1) / REUSE  // derived; leave it
) (
    input  wire                  clk_i,
    input  wire                  rst_i,
    input  wire                  weight_valid_i,
    output wire                  weight_ready_o,
    input  wire [WEIGHT-1:0]     weight_data_i,
    input  wire                  x_valid_i,
    output wire                  x_ready_o,
    input  wire [DATA:0]         x_data_i,
    output wire                  y_valid_o,
    input  wire                  y_ready_i,
    output wire [UNITS*DATA:0]   y_data_o
);
    localparam LONGEST     = (INPUTS > HIDDEN) ? INPUTS : HIDDEN;
    localparam INPUT_WORDS = REUSE * (INPUTS + 1);
    localparam STATE_WORDS = REUSE * (HIDDEN + 1);
    localparam INPUT_BITS  = $clog2(INPUT_WORDS);
    localparam STATE_BITS  = $clog2(STATE_WORDS);
    localparam STEP_BITS   = $clog2(LONGEST + 2);
    localparam GROUP_BITS  = $clog2(REUSE + 1);
    localparam ROWS        = 3 * UNITS;
    localparam ROW_BITS    = $clog2(ROWS);
    localparam SUM         = DATA + WEIGHT + $clog2(LONGEST + 1) + 1;

    localparam [STEP_BITS-1:0]  LAST_STEP   = LONGEST[STEP_BITS-1:0];
    localparam [STEP_BITS-1:0]  LAST_INPUT  = INPUTS[STEP_BITS-1:0];
    localparam [STEP_BITS-1:0]  LAST_STATE  = HIDDEN[STEP_BITS-1:0];
    localparam [GROUP_BITS-1:0] GROUPS      = REUSE[GROUP_BITS-1:0];
    localparam [GROUP_BITS-1:0] LAST_GROUP  = GROUPS - 1;
    localparam [ROW_BITS:0]     ROW_COUNT   = ROWS[ROW_BITS:0];

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (INPUTS < 2 || INPUTS > 1024) begin : g_refuse_inputs
            INPUTS_must_be_2_to_1024 parameter_error ();
        end
        if (HIDDEN < 2 || HIDDEN > 1024) begin : g_refuse_hidden
            HIDDEN_must_be_2_to_1024 parameter_error ();
        end
        if (REUSE < 1 || REUSE > HIDDEN) begin : g_refuse_reuse
            REUSE_must_be_1_to_HIDDEN parameter_error ();
        end
        if (DATA < 8 || DATA > 24) begin : g_refuse_data
            DATA_must_be_8_to_24 parameter_error ();
        end
        if (FRACTION < 1 || FRACTION > DATA - 2) begin : g_refuse_fraction
            FRACTION_must_be_1_to_DATA_minus_2 parameter_error ();
        end
        if (WEIGHT < 4 || WEIGHT > 24) begin : g_refuse_weight
            WEIGHT_must_be_4_to_24 parameter_error ();
        end
        if (WEIGHT_FRACTION < 1 || WEIGHT_FRACTION >= WEIGHT) begin : g_refuse_weight_fraction
            WEIGHT_FRACTION_must_be_1_to_WEIGHT_minus_1 parameter_error ();
        end
        if (SLOPE < 0 || SLOPE > 65535) begin : g_refuse_slope
            SLOPE_must_be_0_to_65535 parameter_error ();
        end
        if (UNITS != (HIDDEN + REUSE - 1) / REUSE) begin : g_refuse_units
            UNITS_is_derived_and_must_be_left_as_it_is parameter_error ();
        end
    endgenerate

    localparam integer            INPUT_STEP   = INPUTS + 1;
    localparam integer            STATE_STEP   = HIDDEN + 1;
    localparam [INPUT_BITS-1:0]   INPUT_STRIDE = INPUT_STEP[INPUT_BITS-1:0];
    localparam [STATE_BITS-1:0]   STATE_STRIDE = STATE_STEP[STATE_BITS-1:0];

    // A group ends in the output register; all that computes waits while it is full and not taken.
    wire run = y_ready_i || !y_valid_o;

    // Counters, shared by loading and computing: group, step within a row, first words of the group in the memories.
    reg                   loaded;
    reg                   load_state;  // loading the state part of a row
    reg  [ROW_BITS-1:0]   row;
    reg  [GROUP_BITS-1:0] group;
    reg  [STEP_BITS-1:0]  step;
    reg  [INPUT_BITS-1:0] input_base;
    reg  [STATE_BITS-1:0] state_base;
    reg                   drain;       // a step's last groups are still in the pipeline

    // Two banks of x.
    reg  [1:0]            full;
    reg  [1:0]            ending;      // the bank holds a last step
    reg                   write_bank;
    reg                   read_bank;
    reg  [STEP_BITS-1:0]  write_index;
    reg  [DATA-1:0]       bank_0 [0:(1<<STEP_BITS)-1];
    reg  [DATA-1:0]       bank_1 [0:(1<<STEP_BITS)-1];

    wire load      = weight_valid_i && !loaded;
    wire take      = x_valid_i && x_ready_o;
    wire issue     = run && loaded && full[read_bank] && !drain;
    wire row_end   = issue && step == LAST_STEP;
    wire step_end  = row_end && group == LAST_GROUP;
    wire half_end  = load && step == (load_state ? LAST_STATE : LAST_INPUT);
    wire load_row  = half_end && load_state;
    wire load_next = load_row && {1'b0, row} == ROW_COUNT - 1;
    wire next      = load_next || row_end;
    wire rewind    = next && group == LAST_GROUP;
    wire take_last = take && write_index == LAST_INPUT - 1;

    assign weight_ready_o = !loaded;
    assign x_ready_o     = loaded && !full[write_bank];

    reg                   s5_valid, s5_last_group, s5_ending;
    reg  [GROUP_BITS-1:0] s5_group;
    wire commit = s5_valid && y_ready_i;

    always @(posedge clk_i) begin
        if (rst_i) begin
            loaded      <= 1'b0;
            load_state  <= 1'b0;
            row         <= {ROW_BITS{1'b0}};
            group       <= {GROUP_BITS{1'b0}};
            step        <= {STEP_BITS{1'b0}};
            input_base  <= {INPUT_BITS{1'b0}};
            state_base  <= {STATE_BITS{1'b0}};
            drain       <= 1'b0;
            full        <= 2'b00;
            ending      <= 2'b00;
            write_bank  <= 1'b0;
            read_bank   <= 1'b0;
            write_index <= {STEP_BITS{1'b0}};
        end else begin
            if (load || issue) step <= (half_end || row_end) ? {STEP_BITS{1'b0}} : step + 1;
            if (half_end) load_state <= !load_state;
            if (load_row) row <= load_next ? {ROW_BITS{1'b0}} : row + 1;
            if (next) begin
                group      <= rewind ? {GROUP_BITS{1'b0}} : group + 1;
                input_base <= rewind ? {INPUT_BITS{1'b0}} : input_base + INPUT_STRIDE;
                state_base <= rewind ? {STATE_BITS{1'b0}} : state_base + STATE_STRIDE;
            end
            if (load_next && rewind) loaded <= 1'b1;
            if (take) write_index <= take_last ? {STEP_BITS{1'b0}} : write_index + 1;
            if (take_last) begin
                full[write_bank]   <= 1'b1;
                ending[write_bank] <= x_data_i[DATA];
                write_bank         <= !write_bank;
            end
            if (step_end) begin
                full[read_bank] <= 1'b0;
                read_bank       <= !read_bank;
                drain           <= 1'b1;
            end
            if (commit && s5_last_group) drain <= 1'b0;
        end
    end
    always @(posedge clk_i) begin
        if (take && !write_bank) bank_0[write_index] <= x_data_i[DATA-1:0];
        if (take && write_bank)  bank_1[write_index] <= x_data_i[DATA-1:0];
    end

    // The state: `fresh` stands for zeros.
    reg                         fresh;
    reg  [REUSE*UNITS*DATA-1:0] current;
    reg  [REUSE*UNITS*DATA-1:0] upcoming;
    wire [UNITS*DATA-1:0]       results;
    always @(posedge clk_i) begin
        if (rst_i) fresh <= 1'b1;
        else if (commit && s5_last_group) fresh <= s5_ending;
        if (commit) begin
            upcoming[s5_group*UNITS*DATA +: UNITS*DATA] <= results;
            if (s5_last_group) begin
                current <= upcoming;
                current[(REUSE-1)*UNITS*DATA +: UNITS*DATA] <= results;
            end
        end
    end

    wire [31:0]           wide_step     = {{(32-STEP_BITS){1'b0}}, step};
    wire [INPUT_BITS-1:0] input_address = input_base + wide_step[INPUT_BITS-1:0];
    wire [STATE_BITS-1:0] state_address = state_base + wide_step[STATE_BITS-1:0];
    wire                  unused        = &{1'b0, wide_step};

    // Operands beside the addressed weights.
    wire [STEP_BITS-1:0] index      = step - 1;
    wire                 input_use  = step != 0 && step <= LAST_INPUT;
    wire                 state_use  = step != 0 && step <= LAST_STATE;
    wire [STEP_BITS-1:0] input_at   = input_use ? index : {STEP_BITS{1'b0}};
    wire [STEP_BITS-1:0] state_at   = state_use ? index : {STEP_BITS{1'b0}};

    reg                   s1_valid, s1_first, s1_input_use, s1_state_use;
    reg  signed [DATA-1:0] s1_input, s1_state;
    reg  [3:0]            s_valid;       // a group leaves stage 1, 2, 3, 4
    reg  [GROUP_BITS-1:0] s1_group, s2_group, s3_group, s4_group;
    reg  [3:0]            s_ending;
    always @(posedge clk_i) begin
        if (run) begin
            s1_valid     <= issue;
            s1_first     <= step == 0;
            s1_input_use <= input_use;
            s1_state_use <= state_use;
            s1_input     <= read_bank ? bank_1[input_at] : bank_0[input_at];
            s1_state     <= fresh ? {DATA{1'b0}} : current[state_at*DATA +: DATA];
            s_valid      <= {s_valid[2:0], row_end};
            s_ending     <= {s_ending[2:0], ending[read_bank]};
            s1_group     <= group;
            s2_group     <= s1_group;
            s3_group     <= s2_group;
            s4_group     <= s3_group;
            s5_group     <= s4_group;
            s5_valid     <= s_valid[3];
            s5_last_group <= s_valid[3] && s4_group == LAST_GROUP;
            s5_ending    <= s_ending[3];
        end
        if (rst_i) begin
            s1_valid      <= 1'b0;
            s_valid       <= 4'd0;
            s5_valid      <= 1'b0;
            s5_last_group <= 1'b0;
        end
    end

    assign y_valid_o = s5_valid;
    assign y_data_o  = {s5_last_group && s5_ending, results};

    genvar unit, gate;
    generate
        for (unit = 0; unit < UNITS; unit = unit + 1) begin : units
            wire [6*SUM-1:0] sums;
            for (gate = 0; gate < 3; gate = gate + 1) begin : gates
                localparam NUMBER = gate * UNITS + unit;
                wire mine = load && row == NUMBER[ROW_BITS-1:0];
                gru_row #(
                    .INPUT_WORDS(INPUT_WORDS), .STATE_WORDS(STATE_WORDS), .INPUT_BITS(INPUT_BITS),
                    .STATE_BITS(STATE_BITS), .DATA(DATA), .FRACTION(FRACTION), .WEIGHT(WEIGHT), .SUM(SUM)
                ) gate_row (
                    .clk_i(clk_i), .step_i(run), .write_input_i(mine && !load_state), .write_state_i(mine && load_state),
                    .write_data_i(weight_data_i), .input_address_i(input_address), .state_address_i(state_address),
                    .first_i(s1_valid && s1_first), .input_use_i(s1_valid && s1_input_use),
                    .state_use_i(s1_valid && s1_state_use), .input_i(s1_input), .state_i(s1_state),
                    .input_sum_o(sums[2*gate*SUM +: SUM]), .state_sum_o(sums[(2*gate+1)*SUM +: SUM])
                );
            end
            wire [DATA-1:0] old = fresh ? {DATA{1'b0}} : current[(s4_group*UNITS+unit)*DATA +: DATA];
            gru_unit #(
                .DATA(DATA), .FRACTION(FRACTION), .DROP(WEIGHT_FRACTION), .SUM(SUM), .SLOPE(SLOPE)
            ) element (
                .clk_i(clk_i), .step_i(run), .update_input_i(sums[0*SUM +: SUM]), .update_state_i(sums[1*SUM +: SUM]),
                .reset_input_i(sums[2*SUM +: SUM]), .reset_state_i(sums[3*SUM +: SUM]), .candidate_input_i(sums[4*SUM +: SUM]),
                .candidate_state_i(sums[5*SUM +: SUM]), .state_i(old), .state_o(results[unit*DATA +: DATA])
            );
        end
    endgenerate
endmodule
`default_nettype wire
