// Bitwise majority of an odd number of words. Combinational. Multipliers: 0.
module bit_majority #(
    parameter COPIES = 3,  // odd
    parameter WIDTH = 8    // bits of a word
) (
    input  wire [COPIES*WIDTH-1:0] words_i,
    output reg  [WIDTH-1:0]        word_o
);
    localparam COUNT_WIDTH = $clog2(COPIES+1);
    localparam [COUNT_WIDTH-1:0] HALF = COPIES/2;
    localparam [COUNT_WIDTH-1:0] ONE = 1;
    reg [COUNT_WIDTH-1:0] ones;
    integer place;
    integer copy;
    always @(*) begin
        ones = {COUNT_WIDTH{1'b0}};
        for (place = 0; place < WIDTH; place = place + 1) begin
            ones = {COUNT_WIDTH{1'b0}};
            for (copy = 0; copy < COPIES; copy = copy + 1)
                if (words_i[copy*WIDTH + place]) ones = ones + ONE;
            word_o[place] = ones > HALF;
        end
    end
endmodule
