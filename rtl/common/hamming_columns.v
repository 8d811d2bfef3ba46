// Syndromes of the data bits of a Hamming code: the whole numbers that are no power of two.
// Written by python -m hwsim.rtl.ecc_columns; do not edit.
module hamming_columns #(
    parameter DATA = 6,  // data bits
    parameter CHECK = 5  // check bits
) (
    output wire [DATA*CHECK-1:0] columns_o
);
    wire [24*8-1:0] all;
    assign all[0*8 +: 8] = 8'd3;
    assign all[1*8 +: 8] = 8'd5;
    assign all[2*8 +: 8] = 8'd6;
    assign all[3*8 +: 8] = 8'd7;
    assign all[4*8 +: 8] = 8'd9;
    assign all[5*8 +: 8] = 8'd10;
    assign all[6*8 +: 8] = 8'd11;
    assign all[7*8 +: 8] = 8'd12;
    assign all[8*8 +: 8] = 8'd13;
    assign all[9*8 +: 8] = 8'd14;
    assign all[10*8 +: 8] = 8'd15;
    assign all[11*8 +: 8] = 8'd17;
    assign all[12*8 +: 8] = 8'd18;
    assign all[13*8 +: 8] = 8'd19;
    assign all[14*8 +: 8] = 8'd20;
    assign all[15*8 +: 8] = 8'd21;
    assign all[16*8 +: 8] = 8'd22;
    assign all[17*8 +: 8] = 8'd23;
    assign all[18*8 +: 8] = 8'd24;
    assign all[19*8 +: 8] = 8'd25;
    assign all[20*8 +: 8] = 8'd26;
    assign all[21*8 +: 8] = 8'd27;
    assign all[22*8 +: 8] = 8'd28;
    assign all[23*8 +: 8] = 8'd29;
    genvar place;
    generate
        for (place = 0; place < DATA; place = place + 1) begin : g_column
            assign columns_o[place*CHECK +: CHECK] = all[place*8 +: CHECK];
        end
    endgenerate
    wire unused = &{1'b0, all};
endmodule
