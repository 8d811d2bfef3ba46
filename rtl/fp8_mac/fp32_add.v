// fp32_add: IEEE 754 single-precision addition, round to nearest even, denormals in and out, one quiet NaN (7fc00000).
//
// STAGES registers (1, 2 or 4): align | add | normalise | round. All move when step_i is high. No multiplier.
`default_nettype none
module fp32_add #(
    parameter STAGES = 1  // 1, 2 or 4 cycles
) (
    input  wire        clk_i,
    input  wire        step_i,
    input  wire [31:0] x_i,
    input  wire [31:0] y_i,
    output wire [31:0] sum_o
);
    localparam DEEP   = (STAGES == 4) ? 1 : 0;
    localparam MIDDLE = (STAGES >= 2) ? 1 : 0;

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (STAGES != 1 && STAGES != 2 && STAGES != 4) begin : g_refuse_stages
            STAGES_must_be_1_2_or_4 parameter_error ();
        end
    endgenerate

    // Align: the larger magnitude first, the smaller one shifted right with guard, round and sticky bits.
    wire        swap    = y_i[30:0] > x_i[30:0];
    wire [31:0] greater = swap ? y_i : x_i;
    wire [31:0] lesser  = swap ? x_i : y_i;
    wire [7:0]  greater_exponent = (greater[30:23] == 8'd0) ? 8'd1 : greater[30:23];
    wire [7:0]  lesser_exponent = (lesser[30:23] == 8'd0) ? 8'd1 : lesser[30:23];
    wire [7:0]  distance = greater_exponent - lesser_exponent;
    wire [4:0]  places   = (distance > 8'd27) ? 5'd27 : distance[4:0];
    wire [26:0] lesser_significand = {lesser[30:23] != 8'd0, lesser[22:0], 3'd0};
    wire [53:0] spread   = {lesser_significand, 27'd0} >> places;
    wire [26:0] shifted  = {spread[53:28], spread[27] | (spread[26:0] != 27'd0)};
    wire [23:0] greater_significand = {greater[30:23] != 8'd0, greater[22:0]};
    wire        nan      = (x_i[30:0] > 31'h7f800000) || (y_i[30:0] > 31'h7f800000)
        || (x_i[30:0] == 31'h7f800000 && y_i[30:0] == 31'h7f800000 && x_i[31] != y_i[31]);
    wire        infinite = &greater[30:23];
    wire        subtract = greater[31] ^ lesser[31];

    wire [62:0] aligned;
    fp8_stage #(.WIDTH(63), .ENABLED(DEEP)) align_stage (
        .clk_i(clk_i), .step_i(step_i),
        .data_i({nan, infinite, subtract, greater[31], greater_exponent, greater_significand, shifted}),
        .data_o(aligned)
    );

    // Add magnitudes.
    wire [27:0] augend    = {1'b0, aligned[50:27], 3'd0};
    wire [27:0] addend    = {1'b0, aligned[26:0]};
    wire [27:0] magnitude = aligned[60] ? augend - addend : augend + addend;
    // A zero difference is +0; a zero sum of two zeros keeps the sign they share.
    wire        sign      = aligned[59] && !(aligned[60] && magnitude == 28'd0);

    wire [38:0] added;
    fp8_stage #(.WIDTH(39), .ENABLED(MIDDLE)) add_stage (
        .clk_i(clk_i), .step_i(step_i),
        .data_i({aligned[62], aligned[61], sign, aligned[58:51], magnitude}),
        .data_o(added)
    );

    // Normalise: one place right after a carry, or left as far as the exponent allows.
    reg [4:0] lead;
    integer   index;
    always @(*) begin
        lead = 5'd27;
        for (index = 0; index < 27; index = index + 1)
            if (added[index]) lead = 5'd26 - index[4:0];
    end
    wire [7:0]  exponent = added[35:28];
    wire [7:0]  room     = exponent - 8'd1;
    wire [4:0]  left     = (room < {3'd0, lead}) ? room[4:0] : lead;
    wire [26:0] moved    = added[27] ? {added[27:2], added[1] | added[0]} : added[26:0] << left;
    wire [8:0]  moved_exponent = added[27] ? {1'b0, exponent} + 9'd1 : {1'b0, exponent} - {4'd0, left};
    wire [8:0]  field    = moved[26] ? moved_exponent : 9'd0;

    wire [37:0] normalised;
    fp8_stage #(.WIDTH(38), .ENABLED(DEEP)) normalise_stage (
        .clk_i(clk_i), .step_i(step_i),
        .data_i({added[38], added[37], added[36], field, moved[25:0]}),
        .data_o(normalised)
    );

    // Round to nearest even; the carry runs into the exponent field.
    wire        up      = normalised[2] && (normalised[1] || normalised[0] || normalised[3]);
    wire [31:0] rounded = normalised[34:3] + {31'd0, up};
    wire [31:0] sum     =
        normalised[37]                                 ? 32'h7fc00000 :
        (normalised[36] || rounded[31:23] >= 9'd255)   ? {normalised[35], 31'h7f800000} :
                                                         {normalised[35], rounded[30:0]};

    fp8_stage #(.WIDTH(32), .ENABLED(1)) round_stage (
        .clk_i(clk_i), .step_i(step_i), .data_i(sum), .data_o(sum_o)
    );
endmodule
`default_nettype wire
