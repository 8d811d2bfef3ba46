// One value of the page: the majority with its two copies where it is protected; zero where it is not and its
// magnitude exceeds the threshold, which only an error can cause. Combinational. Multipliers: 0.
module protect_lane #(
    parameter VALUE_WIDTH = 8  // bits of a signed value
) (
    input  wire [VALUE_WIDTH-1:0]   value_i,
    input  wire                     patched_i,
    input  wire [2*VALUE_WIDTH-1:0] copies_i,
    input  wire [VALUE_WIDTH-1:0]   threshold_i,  // unsigned magnitude
    output wire [VALUE_WIDTH-1:0]   value_o
);
    wire [VALUE_WIDTH-1:0] voted;
    wire [VALUE_WIDTH-1:0] magnitude;
    bit_majority #(
        .COPIES(3), .WIDTH(VALUE_WIDTH)
    ) vote (
        .words_i({copies_i, value_i}),
        .word_o(voted)
    );
    assign magnitude = value_i[VALUE_WIDTH-1] ? -value_i : value_i;
    assign value_o = patched_i ? voted : ((magnitude > threshold_i) ? {VALUE_WIDTH{1'b0}} : value_i);
endmodule
