// gru_unit: the element-wise part of one hidden unit, from complete sums to the new state. Latency 3 cycles.
//
//   z = hard_sigmoid(input + state sums), r likewise;  c = hard_tanh(input sum + r * state sum);  h' = z h + (1 - z) c
// Cycle 1: z, r and the candidate's two sums, quantised; cycle 2: c; cycle 3: h'. Three constant multipliers (slopes)
// and two others.
`default_nettype none
module gru_unit #(
    parameter DATA     = 16,     // bits of an activation
    parameter FRACTION = 10,     // its fraction bits
    parameter DROP     = 14,     // fraction bits of a weight, dropped from the sums
    parameter SUM      = 40,     // bits of an accumulator
    parameter SLOPE    = 13107   // of the hard sigmoid, times 65536
) (
    input  wire                   clk_i,
    input  wire                   step_i,
    input  wire signed [SUM-1:0]  update_input_i,
    input  wire signed [SUM-1:0]  update_state_i,
    input  wire signed [SUM-1:0]  reset_input_i,
    input  wire signed [SUM-1:0]  reset_state_i,
    input  wire signed [SUM-1:0]  candidate_input_i,
    input  wire signed [SUM-1:0]  candidate_state_i,
    input  wire signed [DATA-1:0] state_i,   // the old state, in cycle 3
    output reg  signed [DATA-1:0] state_o
);
    localparam BOTH = DATA + FRACTION + 2;

    // Cycle 1.
    wire signed [SUM:0]    update_sum = {update_input_i[SUM-1], update_input_i} + {update_state_i[SUM-1], update_state_i};
    wire signed [SUM:0]    reset_sum  = {reset_input_i[SUM-1], reset_input_i} + {reset_state_i[SUM-1], reset_state_i};
    wire signed [DATA-1:0] update_data, reset_data, input_data, state_data;
    wire [FRACTION:0]      update_gate, reset_gate;
    gru_quantise #(.FROM(SUM + 1), .DROP(DROP), .TO(DATA)) update_quantise (.wide_i(update_sum), .narrow_o(update_data));
    gru_quantise #(.FROM(SUM + 1), .DROP(DROP), .TO(DATA)) reset_quantise (.wide_i(reset_sum), .narrow_o(reset_data));
    gru_quantise #(.FROM(SUM), .DROP(DROP), .TO(DATA)) input_quantise (.wide_i(candidate_input_i), .narrow_o(input_data));
    gru_quantise #(.FROM(SUM), .DROP(DROP), .TO(DATA)) state_quantise (.wide_i(candidate_state_i), .narrow_o(state_data));
    gru_hard_sigmoid #(.DATA(DATA), .FRACTION(FRACTION), .SLOPE(SLOPE)) update_sigmoid (
        .data_i(update_data), .gate_o(update_gate)
    );
    gru_hard_sigmoid #(.DATA(DATA), .FRACTION(FRACTION), .SLOPE(SLOPE)) reset_sigmoid (
        .data_i(reset_data), .gate_o(reset_gate)
    );

    reg [FRACTION:0]      update;
    reg [FRACTION:0]      reset;
    reg signed [DATA-1:0] from_input;
    reg signed [DATA-1:0] from_state;

    // Cycle 2.
    wire signed [BOTH-1:0] reset_wide   = {{(BOTH-FRACTION-1){1'b0}}, reset};
    wire signed [BOTH-1:0] from_wide    = {{(BOTH-DATA){from_state[DATA-1]}}, from_state};
    wire signed [BOTH-1:0] gated        = reset_wide * from_wide;
    wire signed [BOTH-1:0] input_wide   = {{(BOTH-DATA-FRACTION){from_input[DATA-1]}}, from_input, {FRACTION{1'b0}}};
    wire signed [BOTH-1:0] total        = gated + input_wide;
    wire signed [DATA-1:0] candidate_data;
    wire [FRACTION:0]      candidate_gate;
    gru_quantise #(.FROM(BOTH), .DROP(FRACTION), .TO(DATA)) total_quantise (.wide_i(total), .narrow_o(candidate_data));
    gru_hard_sigmoid #(.DATA(DATA), .FRACTION(FRACTION), .SLOPE(SLOPE)) candidate_sigmoid (
        .data_i(candidate_data), .gate_o(candidate_gate)
    );
    // 2 s - 1, from -1 to 1.
    wire signed [FRACTION+1:0] tanh = {candidate_gate, 1'b0} - {2'b01, {FRACTION{1'b0}}};

    reg [FRACTION:0]          keep;
    reg signed [FRACTION+1:0] candidate;

    // Cycle 3: z h + (1 - z) c = z (h - c) + c.
    wire signed [DATA:0]   change   = {state_i[DATA-1], state_i} - {{(DATA-FRACTION-1){candidate[FRACTION+1]}}, candidate};
    wire signed [BOTH-1:0] weighted = {{(BOTH-FRACTION-1){1'b0}}, keep} * {{(BOTH-DATA-1){change[DATA]}}, change};
    wire signed [BOTH-1:0] base     = {{(BOTH-2*FRACTION-2){candidate[FRACTION+1]}}, candidate, {FRACTION{1'b0}}};
    wire signed [BOTH-1:0] mixed    = weighted + base;
    wire signed [DATA-1:0] mixed_data;
    gru_quantise #(.FROM(BOTH), .DROP(FRACTION), .TO(DATA)) mixed_quantise (.wide_i(mixed), .narrow_o(mixed_data));

    always @(posedge clk_i) if (step_i) begin
        update     <= update_gate;
        reset      <= reset_gate;
        from_input <= input_data;
        from_state <= state_data;
        keep       <= update;
        candidate  <= tanh;
        state_o    <= mixed_data;
    end
endmodule
`default_nettype wire
