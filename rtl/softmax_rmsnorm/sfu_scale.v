// sfu_scale: data times mantissa, shifted right and rounded to nearest, halves up; saturated when signed. Latency 2 cycles.
//
// One multiplier of 18 x 28 bits.
`default_nettype none
module sfu_scale #(
    parameter DATA = 16  // bits of the result
) (
    input  wire               clk_i,
    input  wire               step_i,
    input  wire               signed_i,    // 1: saturate to DATA signed bits; 0: as it is
    input  wire signed [17:0] data_i,
    input  wire [26:0]        mantissa_i,
    input  wire [5:0]         places_i,    // 1 or more
    output reg  [DATA-1:0]    result_o
);
    reg  signed [45:0] product;
    wire signed [45:0] data     = {{28{data_i[17]}}, data_i};
    wire signed [45:0] mantissa = {19'd0, mantissa_i};
    wire signed [45:0] halved   = product >>> (places_i - 6'd1);
    wire signed [45:0] rounded  = (halved + 46'sd1) >>> 1;
    wire               fits     = (&rounded[45:DATA-1]) || !(|rounded[45:DATA-1]);
    wire [DATA-1:0]    limit    = {rounded[45], {(DATA-1){~rounded[45]}}};

    always @(posedge clk_i) if (step_i) begin
        product  <= data * mantissa;
        result_o <= (signed_i && !fits) ? limit : rounded[DATA-1:0];
    end
endmodule
`default_nettype wire
