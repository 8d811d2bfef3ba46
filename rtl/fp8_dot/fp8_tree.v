// fp8_tree: sum of LANES signed numbers, one register a level. Latency ceil(log2 LANES) cycles, one sum a cycle.
//
// All registers move when step_i is high. An odd one out on a level is passed on. LANES - 1 adders.
`default_nettype none
module fp8_tree #(
    parameter LANES = 16,  // terms, 2 or more
    parameter WIDTH = 65,  // bits of a term
    parameter TOTAL = 69   // bits of the sum: WIDTH + ceil(log2 LANES)
) (
    input  wire                   clk_i,
    input  wire                   step_i,
    input  wire [LANES*WIDTH-1:0] terms_i,
    output wire [TOTAL-1:0]       sum_o
);
    localparam LEVELS = $clog2(LANES);

    genvar level, index;
    generate
        for (level = 0; level <= LEVELS; level = level + 1) begin : floor
            localparam COUNT = (LANES + (1 << level) - 1) >> level;
            wire [COUNT*TOTAL-1:0] values;
            if (level == 0) begin : leaves
                for (index = 0; index < LANES; index = index + 1) begin : leaf
                    assign values[index*TOTAL +: TOTAL] =
                        {{(TOTAL-WIDTH){terms_i[index*WIDTH+WIDTH-1]}}, terms_i[index*WIDTH +: WIDTH]};
                end
            end else begin : sums
                localparam BELOW = (LANES + (1 << (level - 1)) - 1) >> (level - 1);
                for (index = 0; index < COUNT; index = index + 1) begin : pair
                    reg [TOTAL-1:0] held;
                    if (2 * index + 1 < BELOW) begin : both
                        always @(posedge clk_i)
                            if (step_i)
                                held <= floor[level-1].values[2*index*TOTAL +: TOTAL]
                                    + floor[level-1].values[(2*index+1)*TOTAL +: TOTAL];
                    end else begin : odd
                        always @(posedge clk_i) if (step_i) held <= floor[level-1].values[2*index*TOTAL +: TOTAL];
                    end
                    assign values[index*TOTAL +: TOTAL] = held;
                end
            end
        end
    endgenerate

    assign sum_o = floor[LEVELS].values;
endmodule
`default_nettype wire
