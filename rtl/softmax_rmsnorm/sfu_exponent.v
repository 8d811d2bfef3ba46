// sfu_exponent: exp(-(largest - data)) with 24 fraction bits by table and linear interpolation. Latency 3 cycles.
//
// Two multipliers: the distance by the constant log2(e), and the interpolation.
`default_nettype none
module sfu_exponent #(
    parameter DATA       = 16,  // bits of the data
    parameter FRACTION   = 8,   // its fraction bits, 1 or more
    parameter TABLE_BITS = 6    // log2 of the table's intervals, 1 to 8
) (
    input  wire                   clk_i,
    input  wire                   step_i,
    input  wire signed [DATA-1:0] largest_i,
    input  wire signed [DATA-1:0] data_i,   // at most largest_i
    output reg  [24:0]            value_o
);
    localparam PRODUCT = DATA + 17;
    localparam SCALED  = PRODUCT - FRACTION + 1;
    localparam REST    = 16 - TABLE_BITS;

    // Cycle 1: the distance in powers of two, 16 fraction bits.
    wire [DATA:0]      distance = {largest_i[DATA-1], largest_i} - {data_i[DATA-1], data_i};
    wire [PRODUCT-1:0] product  = {16'd0, distance} * {{(PRODUCT-16){1'b0}}, 16'd47274};
    reg  [SCALED-1:0]  scaled;

    // Cycle 2: 2^-part.
    wire [TABLE_BITS-1:0] index    = scaled[15 -: TABLE_BITS];
    wire [8:0]            coarse   = {1'b0, index, {(8-TABLE_BITS){1'b0}}};
    localparam [8:0]      INTERVAL = 9'd256 >> TABLE_BITS;
    wire [24:0]           base;
    wire [24:0]           next;
    sfu_table base_table (.index_i(coarse), .value_o(base));
    sfu_table next_table (.index_i(coarse + INTERVAL), .value_o(next));
    wire [24:0]           fall     = base - next;
    wire [24+REST:0]      partial  = {{REST{1'b0}}, fall} * {25'd0, scaled[REST-1:0]};
    wire                  beyond   = |scaled[SCALED-1:21];
    reg  [24:0]           value;
    reg  [4:0]            places;

    // Cycle 3: 2^-whole, rounded.
    wire [25:0] shifted = {value, 1'b0} >> places;
    wire [25:0] rounded = shifted + 26'd1;

    wire unused = &{1'b0, rounded[0], partial[REST-1:0]};

    always @(posedge clk_i) if (step_i) begin
        scaled  <= product[PRODUCT-1:FRACTION-1];
        value   <= base - partial[24+REST:REST];
        places  <= beyond ? 5'd31 : scaled[20:16];
        value_o <= rounded[25:1];
    end
    generate
        if (FRACTION > 1) begin : dropped
            wire unused_product = &{1'b0, product[FRACTION-2:0]};
        end
    endgenerate
endmodule
`default_nettype wire
