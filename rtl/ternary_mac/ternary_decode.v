// Unpacks LANES ternary weights, each a two-bit two's complement digit (00 = 0, 01 = +1, 11 = -1).
// TRITS_PER_BYTE = 4: the digits as they are stored, 2 bits a weight; the unused code 10 reads as 0.
// TRITS_PER_BYTE = 5: five digits a byte, 1.6 bits a weight. The byte is ceil(256 v / 243), v the base-3 number of the
// five digits + 1, first digit most significant. Reading a digit takes one addition: 3 x byte, digit = the carry.
// Combinational. Multipliers: 0.
module ternary_decode #(
    parameter LANES = 16,          // weights a beat
    parameter TRITS_PER_BYTE = 4,  // 4: two bits a weight, 5: 1.6 bits a weight
    parameter WEIGHT_BITS = 32     // bits of a packed beat, 2 LANES or 8 ceil(LANES / 5)
) (
    input  wire [WEIGHT_BITS-1:0] packed_i,
    output wire [2*LANES-1:0]     digits_o
);
    genvar lane;
    genvar byte_index;
    generate
        if (TRITS_PER_BYTE == 4) begin : g_two_bit
            for (lane = 0; lane < LANES; lane = lane + 1) begin : g_lane
                wire low = packed_i[2*lane];
                assign digits_o[2*lane +: 2] = {packed_i[2*lane+1] & low, low};
            end
        end else begin : g_base_three
            for (byte_index = 0; byte_index < WEIGHT_BITS / 8; byte_index = byte_index + 1) begin : g_byte
                base_three_decode #(
                    .DIGITS((LANES - 5 * byte_index < 5) ? LANES - 5 * byte_index : 5)
                ) decode (
                    .byte_i(packed_i[8*byte_index +: 8]),
                    .digits_o(digits_o[10*byte_index +: 2*((LANES - 5 * byte_index < 5) ? LANES - 5 * byte_index : 5)])
                );
            end
        end
    endgenerate
endmodule
