// gru_hard_sigmoid: clip(slope x + 1/2, 0, 1), truncated to the data's fraction. Combinational, one constant product.
`default_nettype none
module gru_hard_sigmoid #(
    parameter DATA     = 16,     // bits
    parameter FRACTION = 10,     // fraction bits of input and output
    parameter SLOPE    = 13107   // slope times 65536: 13107 is 0.2
) (
    input  wire signed [DATA-1:0] data_i,
    output wire [FRACTION:0]      gate_o  // 0 to 2^FRACTION, which is 1
);
    localparam WIDE = DATA + 18;
    localparam signed [16:0] FACTOR = SLOPE[16:0];
    wire signed [WIDE-1:0] scaled = {{18{data_i[DATA-1]}}, data_i} * {{(WIDE-17){1'b0}}, FACTOR};
    wire signed [WIDE-1:0] half   = {{(WIDE-FRACTION-16){1'b0}}, 1'b1, {(FRACTION+15){1'b0}}};
    wire signed [WIDE-1:0] line   = scaled + half;
    wire                   over   = !line[WIDE-1] && (|line[WIDE-2:FRACTION+16]);
    wire                   unused = &{1'b0, line[15:0]};

    assign gate_o = line[WIDE-1] ? {(FRACTION+1){1'b0}} : over ? {1'b1, {FRACTION{1'b0}}} : {1'b0, line[FRACTION+15:16]};
endmodule
`default_nettype wire
