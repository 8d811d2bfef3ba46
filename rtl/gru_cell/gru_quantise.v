// gru_quantise: drop fraction bits (towards minus infinity) and saturate. Combinational, no multiplier.
`default_nettype none
module gru_quantise #(
    parameter FROM = 40,  // bits in
    parameter DROP = 14,  // fraction bits dropped, 0 or more
    parameter TO   = 16   // bits out, fewer than FROM - DROP
) (
    input  wire signed [FROM-1:0] wide_i,
    output wire signed [TO-1:0]   narrow_o
);
    wire signed [FROM-DROP-1:0] kept = wide_i[FROM-1:DROP];
    wire fits = (&kept[FROM-DROP-1:TO-1]) || !(|kept[FROM-DROP-1:TO-1]);

    generate
        if (DROP > 0) begin : dropped
            wire unused = &{1'b0, wide_i[DROP-1:0]};
        end
    endgenerate

    assign narrow_o = fits ? kept[TO-1:0] : {wide_i[FROM-1], {(TO-1){~wide_i[FROM-1]}}};
endmodule
`default_nettype wire
