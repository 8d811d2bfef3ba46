// fp8_dot: dot product of FP8 vectors, exact in fixed point, rounded once to FP32. One beat of LANES pairs a cycle.
//
// A vector may run over several beats (`last` ends it; at most 2^GUARD): they add up exactly. When every beat is a
// last one, every cycle gives a result. The exponent biases only move the binary point: the scale costs nothing.
//
// x_data_i : [8*LANES-1:0] a, lane 0 lowest; [16*LANES-1:8*LANES] b; then from bit 16*LANES: [1:0] format of a,
//             [3:2] format of b, [9:4] bias of a, [15:10] bias of b, [16] last. Formats and biases: as on the last beat
//             of a vector, and equal on all its beats.
// y_data_o: [31:0] FP32
// Cycles, first accepted beat to the last result, both counted, B beats, no stalls: B + 4 + ceil(log2 LANES).
// Multipliers: LANES of 4 x 4 bits. Every stage moves when the output is free or taken; no bubbles are squeezed out.
`default_nettype none
module fp8_dot #(
    parameter LANES = 16,  // products a cycle, 2 to 64
    parameter E5M2 = 1,   // 1: E5M2 operands too; 0: E4M3 only (a narrower sum)
    parameter GUARD = 6    // log2 of the largest number of beats of a vector, 1 to 10
) (
    input  wire                  clk_i,
    input  wire                  rst_i,
    input  wire                  x_valid_i,
    output wire                  x_ready_o,
    input  wire [16*LANES+16:0]  x_data_i,
    output wire                  y_valid_o,
    input  wire                  y_ready_i,
    output wire [31:0]           y_data_o
);
    localparam LEVELS = $clog2(LANES);
    localparam WIDTH  = (E5M2 != 0) ? 65 : 37;
    localparam TOTAL  = WIDTH + LEVELS;
    localparam WHOLE  = TOTAL + GUARD;
    localparam SIDE   = 13;  // last, unit, nan, plus infinite, minus infinite, valid

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (LANES < 2 || LANES > 64) begin : g_refuse_lanes
            LANES_must_be_2_to_64 parameter_error ();
        end
        if (E5M2 != 0 && E5M2 != 1) begin : g_refuse_e5m2
            E5M2_must_be_0_or_1 parameter_error ();
        end
        if (GUARD < 1 || GUARD > 10) begin : g_refuse_guard
            GUARD_must_be_1_to_10 parameter_error ();
        end
    endgenerate

    wire [16:0] control = x_data_i[16*LANES +: 17];
    wire [7:0]  unit    = {2'd0, control[9:4]} + (control[1] ? 8'd1 : 8'd2)
        + {2'd0, control[15:10]} + (control[3] ? 8'd1 : 8'd2);
    wire        step    = y_ready_i || !y_valid_o;

    wire [LANES*WIDTH-1:0] terms;
    wire [LANES-1:0]       nans, plus, minus;
    reg  [LANES*WIDTH-1:0] held;
    wire [TOTAL-1:0]       sum;

    genvar lane;
    generate
        for (lane = 0; lane < LANES; lane = lane + 1) begin : product
            fp8_term #(.E5M2(E5M2), .WIDTH(WIDTH)) term (
                .a_i(x_data_i[8*lane +: 8]), .b_i(x_data_i[8*LANES + 8*lane +: 8]),
                .a_format_i(control[1:0]), .b_format_i(control[3:2]), .term_o(terms[lane*WIDTH +: WIDTH]),
                .nan_o(nans[lane]), .plus_infinite_o(plus[lane]), .minus_infinite_o(minus[lane])
            );
        end
    endgenerate

    always @(posedge clk_i) if (step) held <= terms;

    fp8_tree #(.LANES(LANES), .WIDTH(WIDTH), .TOTAL(TOTAL)) tree (
        .clk_i(clk_i), .step_i(step), .terms_i(held), .sum_o(sum)
    );

    // What travels beside the sum: one register for the products, one a level of the tree.
    reg  [SIDE*(LEVELS+1)-1:0] beside;
    wire [SIDE-1:0]            entering = {x_valid_i, |minus, |plus, |nans, unit, control[16]};
    wire [SIDE-1:0]            leaving  = beside[SIDE*LEVELS +: SIDE];
    integer index;
    always @(posedge clk_i) begin
        if (step) beside <= {beside[SIDE*LEVELS-1:0], entering};
        if (rst_i)
            for (index = 0; index <= LEVELS; index = index + 1) beside[SIDE*index + SIDE-1] <= 1'b0;
    end

    // Accumulate over the beats of a vector.
    reg               fresh;       // the next beat starts a vector
    reg               whole_valid;
    reg  [WHOLE-1:0]  whole;
    reg  [7:0]        whole_unit;
    reg  [2:0]        whole_flags; // minus infinite, plus infinite, nan
    wire [WHOLE-1:0]  extended = {{GUARD{sum[TOTAL-1]}}, sum};
    reg               aligned_valid;
    reg               rounded_valid;

    always @(posedge clk_i) begin
        if (rst_i) begin
            fresh         <= 1'b1;
            whole_valid   <= 1'b0;
            aligned_valid <= 1'b0;
            rounded_valid <= 1'b0;
        end else if (step) begin
            if (leaving[SIDE-1]) fresh <= leaving[0];
            whole_valid   <= leaving[SIDE-1] && leaving[0];
            aligned_valid <= whole_valid;
            rounded_valid <= aligned_valid;
        end
    end
    always @(posedge clk_i) if (step && leaving[SIDE-1]) begin
        whole       <= fresh ? extended : whole + extended;
        whole_flags <= fresh ? leaving[11:9] : whole_flags | leaving[11:9];
        whole_unit  <= leaving[8:1];
    end

    fp8_round #(.WIDTH(WHOLE)) round (
        .clk_i(clk_i), .step_i(step), .sum_i(whole), .unit_i(whole_unit), .nan_i(whole_flags[0]),
        .plus_infinite_i(whole_flags[1]), .minus_infinite_i(whole_flags[2]), .data_o(y_data_o)
    );

    assign x_ready_o  = step;
    assign y_valid_o = rounded_valid;
endmodule
`default_nettype wire
