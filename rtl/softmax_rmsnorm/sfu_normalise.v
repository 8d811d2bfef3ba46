// sfu_normalise: the leading 25 bits of a positive integer, the rest cut off, and the place of its leading bit.
// Combinational.
`default_nettype none
module sfu_normalise #(
    parameter WIDTH = 44  // bits, 26 to 63
) (
    input  wire [WIDTH-1:0] value_i,
    output wire [24:0]      mantissa_o,
    output reg  [5:0]       place_o
);
    integer index;
    always @(*) begin
        place_o = 6'd0;
        for (index = 0; index < WIDTH; index = index + 1)
            if (value_i[index]) place_o = index[5:0];
    end
    localparam integer   TOP  = WIDTH - 1;
    wire [WIDTH-1:0] aligned = value_i << (TOP[5:0] - place_o);
    wire             unused  = &{1'b0, aligned[WIDTH-26:0]};
    assign mantissa_o = aligned[WIDTH-1:WIDTH-25];
endmodule
`default_nettype wire
