// Syndromes of the data bits of a Hsiao code: odd weights, the lightest first.
// Written by python -m hwsim.rtl.ecc_columns; do not edit.
module secded_columns #(
    parameter DATA = 6,  // data bits
    parameter CHECK = 5  // check bits
) (
    output wire [DATA*CHECK-1:0] columns_o
);
    wire [64*8-1:0] all;
    generate
        if (CHECK == 4) begin : g_check_4
            assign all = {{480{1'b0}},
                8'd14, 8'd13, 8'd11, 8'd7
            };
        end
        if (CHECK == 5) begin : g_check_5
            assign all = {{424{1'b0}},
                8'd31, 8'd28, 8'd26, 8'd25, 8'd22, 8'd21, 8'd19, 8'd14, 8'd13, 8'd11, 8'd7
            };
        end
        if (CHECK == 6) begin : g_check_6
            assign all = {{304{1'b0}},
                8'd62, 8'd61, 8'd59, 8'd55, 8'd47, 8'd31, 8'd56, 8'd52, 8'd50, 8'd49, 8'd44, 8'd42,
                8'd41, 8'd38, 8'd37, 8'd35, 8'd28, 8'd26, 8'd25, 8'd22, 8'd21, 8'd19, 8'd14, 8'd13,
                8'd11, 8'd7
            };
        end
        if (CHECK == 7) begin : g_check_7
            assign all = {{56{1'b0}},
                8'd127, 8'd124, 8'd122, 8'd121, 8'd118, 8'd117, 8'd115, 8'd110, 8'd109, 8'd107, 8'd103, 8'd94,
                8'd93, 8'd91, 8'd87, 8'd79, 8'd62, 8'd61, 8'd59, 8'd55, 8'd47, 8'd31, 8'd112, 8'd104,
                8'd100, 8'd98, 8'd97, 8'd88, 8'd84, 8'd82, 8'd81, 8'd76, 8'd74, 8'd73, 8'd70, 8'd69,
                8'd67, 8'd56, 8'd52, 8'd50, 8'd49, 8'd44, 8'd42, 8'd41, 8'd38, 8'd37, 8'd35, 8'd28,
                8'd26, 8'd25, 8'd22, 8'd21, 8'd19, 8'd14, 8'd13, 8'd11, 8'd7
            };
        end
        if (CHECK == 8) begin : g_check_8
            assign all = {
                8'd87, 8'd79, 8'd62, 8'd61, 8'd59, 8'd55, 8'd47, 8'd31, 8'd224, 8'd208, 8'd200, 8'd196,
                8'd194, 8'd193, 8'd176, 8'd168, 8'd164, 8'd162, 8'd161, 8'd152, 8'd148, 8'd146, 8'd145, 8'd140,
                8'd138, 8'd137, 8'd134, 8'd133, 8'd131, 8'd112, 8'd104, 8'd100, 8'd98, 8'd97, 8'd88, 8'd84,
                8'd82, 8'd81, 8'd76, 8'd74, 8'd73, 8'd70, 8'd69, 8'd67, 8'd56, 8'd52, 8'd50, 8'd49,
                8'd44, 8'd42, 8'd41, 8'd38, 8'd37, 8'd35, 8'd28, 8'd26, 8'd25, 8'd22, 8'd21, 8'd19,
                8'd14, 8'd13, 8'd11, 8'd7
            };
        end
    endgenerate
    genvar place;
    generate
        for (place = 0; place < DATA; place = place + 1) begin : g_column
            assign columns_o[place*CHECK +: CHECK] = all[place*8 +: CHECK];
        end
    endgenerate
    wire unused = &{1'b0, all};
endmodule
