// gru_row: one row of a gate for every group: the products with the input and with the state, each accumulated exactly.
//
// Two memories (a bias, then the weights, a group after the other) and two multipliers. Latency: address to complete
// sums, 2 cycles after the last address.
`default_nettype none
module gru_row #(
    parameter INPUT_WORDS  = 5,   // words of the input memory: groups x (inputs + 1)
    parameter STATE_WORDS  = 5,   // words of the state memory: groups x (hidden + 1)
    parameter INPUT_BITS   = 3,   // address bits
    parameter STATE_BITS   = 3,
    parameter DATA         = 16,  // bits of an activation
    parameter FRACTION     = 10,  // its fraction bits
    parameter WEIGHT       = 16,  // bits of a weight
    parameter SUM          = 40   // bits of an accumulator
) (
    input  wire                   clk_i,
    input  wire                   step_i,
    input  wire                   write_input_i,
    input  wire                   write_state_i,
    input  wire [WEIGHT-1:0]      write_data_i,
    input  wire [INPUT_BITS-1:0]  input_address_i,  // read, and write while loading
    input  wire [STATE_BITS-1:0]  state_address_i,
    input  wire                   first_i,          // with the word: it is the bias
    input  wire                   input_use_i,      // with the word: it is a weight of the input
    input  wire                   state_use_i,
    input  wire signed [DATA-1:0] input_i,          // with the word
    input  wire signed [DATA-1:0] state_i,
    output reg  signed [SUM-1:0]  input_sum_o,
    output reg  signed [SUM-1:0]  state_sum_o
);
    reg signed [WEIGHT-1:0] input_memory [0:INPUT_WORDS-1];
    reg signed [WEIGHT-1:0] state_memory [0:STATE_WORDS-1];
    reg signed [WEIGHT-1:0] input_word;
    reg signed [WEIGHT-1:0] state_word;

    wire signed [WEIGHT+DATA-1:0] input_product = input_word * input_i;
    wire signed [WEIGHT+DATA-1:0] state_product = state_word * state_i;
    wire signed [SUM-1:0]         input_wide    = {{(SUM-WEIGHT-DATA){input_product[WEIGHT+DATA-1]}}, input_product};
    wire signed [SUM-1:0]         state_wide    = {{(SUM-WEIGHT-DATA){state_product[WEIGHT+DATA-1]}}, state_product};
    wire signed [SUM-1:0]         input_bias    =
        {{(SUM-WEIGHT-FRACTION){input_word[WEIGHT-1]}}, input_word, {FRACTION{1'b0}}};
    wire signed [SUM-1:0]         state_bias    =
        {{(SUM-WEIGHT-FRACTION){state_word[WEIGHT-1]}}, state_word, {FRACTION{1'b0}}};

    always @(posedge clk_i) begin
        if (write_input_i) input_memory[input_address_i] <= write_data_i;
        if (write_state_i) state_memory[state_address_i] <= write_data_i;
        if (step_i) begin
            input_word <= input_memory[input_address_i];
            state_word <= state_memory[state_address_i];
            if (first_i) begin
                input_sum_o <= input_bias;
                state_sum_o <= state_bias;
            end else begin
                if (input_use_i) input_sum_o <= input_sum_o + input_wide;
                if (state_use_i) state_sum_o <= state_sum_o + state_wide;
            end
        end
    end
endmodule
`default_nettype wire
