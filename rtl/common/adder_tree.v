// Pipelined adder tree: the sum of LANES signed numbers, one register after every level.
// Latency ceil(log2 LANES) enabled edges (0 for one lane), one sum a cycle. Adders: LANES - 1.
// Lane i is data_i[i*WIDTH +: WIDTH]. The sum never overflows: SUM_WIDTH = WIDTH + ceil(log2 LANES).
module adder_tree #(
    parameter LANES = 8,  // numbers to add, 1 or more
    parameter WIDTH = 16, // bits of each
    parameter SUM_WIDTH = WIDTH + $clog2(LANES)  // bits of the sum (leave as it is)
) (
    input  wire                    clk_i,
    input  wire                    enable_i,
    input  wire [LANES*WIDTH-1:0]  data_i,
    output wire [SUM_WIDTH-1:0]    sum_o
);
    localparam LEVELS = $clog2(LANES);
    localparam SIZE   = 1 << LEVELS;

    // Level l holds SIZE >> l sums, each sign-extended to SUM_WIDTH; level 0 is the input, padded with zeros.
    wire [SIZE*SUM_WIDTH-1:0] level [0:LEVELS];
    genvar i, l;
    generate
        for (i = 0; i < SIZE; i = i + 1) begin : g_input
            if (i < LANES) begin : g_lane
                assign level[0][i*SUM_WIDTH +: SUM_WIDTH] =
                    {{(SUM_WIDTH-WIDTH+1){data_i[i*WIDTH+WIDTH-1]}}, data_i[i*WIDTH +: WIDTH-1]};
            end else begin : g_zero
                assign level[0][i*SUM_WIDTH +: SUM_WIDTH] = {SUM_WIDTH{1'b0}};
            end
        end
        for (l = 0; l < LEVELS; l = l + 1) begin : g_level
            reg [(SIZE>>(l+1))*SUM_WIDTH-1:0] sums;
            for (i = 0; i < (SIZE >> (l+1)); i = i + 1) begin : g_sum
                always @(posedge clk_i)
                    if (enable_i)
                        sums[i*SUM_WIDTH +: SUM_WIDTH] <= level[l][(2*i)*SUM_WIDTH +: SUM_WIDTH]
                                                        + level[l][(2*i+1)*SUM_WIDTH +: SUM_WIDTH];
            end
            assign level[l+1] = {{((SIZE-(SIZE>>(l+1)))*SUM_WIDTH){1'b0}}, sums};
        end
        if (LEVELS == 0) begin : g_wire
            wire unused = &{1'b0, clk_i, enable_i};
        end
    endgenerate
    assign sum_o = level[LEVELS][SUM_WIDTH-1:0];
endmodule
