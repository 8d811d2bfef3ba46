// Routes tokens to the TOP_K experts with the largest scores, under a capacity of CAPACITY tokens an expert a batch.
// REROUTE = 0, drop: the choice is made on the scores alone; a choice whose expert is full is marked as dropped.
// REROUTE = 1: a full expert is no candidate, so the token goes to the best expert with room; dropped if none is left.
// Tokens are served in order of arrival; the counters clear after the token marked last.
// Input beat x_data_i = {last, scores}, expert 0 in the low bits, scores signed.
// Output y_data_o = {last, TOP_K choices}, the best choice in the low bits; a choice is {kept, score, expert}; a choice
// for which no candidate is left is all zero.
// Latency: TOP_K + 1 cycles to the result; a token every TOP_K cycles. T tokens: T TOP_K + 2 cycles. Multipliers: 0.
module expert_topk #(
    parameter EXPERTS = 8,      // 2 to 256
    parameter TOP_K = 2,        // choices a token, 1 to min(EXPERTS, 8)
    parameter SCORE_WIDTH = 8,  // bits of a signed score, 2 to 32
    parameter CAPACITY = 4,     // tokens an expert takes in a batch, 1 to 65535
    parameter REROUTE = 1       // 0: drop, 1: reroute
) (
    input  wire clk_i,
    input  wire rst_i,
    input  wire x_valid_i,
    output wire x_ready_o,
    input  wire [EXPERTS*SCORE_WIDTH:0] x_data_i,
    output wire y_valid_o,
    input  wire y_ready_i,
    output wire [TOP_K*(1+SCORE_WIDTH+$clog2(EXPERTS)):0] y_data_o
);
    localparam INDEX_WIDTH = $clog2(EXPERTS);
    localparam CHOICE_WIDTH = 1 + SCORE_WIDTH + INDEX_WIDTH;
    localparam COUNT_WIDTH = $clog2(CAPACITY+1);
    localparam STEP_WIDTH = (TOP_K > 1) ? $clog2(TOP_K) : 1;
    localparam [STEP_WIDTH-1:0] NEXT_STEP = 1;
    localparam [COUNT_WIDTH-1:0] ONE_TOKEN = 1;

    reg  busy;
    reg  last;
    reg  y_valid;
    reg  [STEP_WIDTH-1:0] step;
    reg  [EXPERTS*SCORE_WIDTH-1:0] scores;
    reg  [EXPERTS-1:0] taken;
    reg  [EXPERTS*COUNT_WIDTH-1:0] counts;
    reg  [TOP_K*CHOICE_WIDTH-1:0] choices;
    reg  y_last;
    reg  [TOP_K*CHOICE_WIDTH-1:0] y_choices;

    wire final_step;
    wire stepping;
    wire done;
    wire accept;
    wire found;
    wire kept;
    wire [INDEX_WIDTH-1:0] index;
    wire [SCORE_WIDTH-1:0] score;
    wire [EXPERTS-1:0] full;
    reg  [EXPERTS-1:0] candidates;
    reg  [EXPERTS-1:0] chosen;
    reg  [TOP_K*CHOICE_WIDTH-1:0] choices_next;
    reg  [EXPERTS*COUNT_WIDTH-1:0] counts_next;
    integer expert;

    masked_argmax #(
        .EXPERTS(EXPERTS), .SCORE_WIDTH(SCORE_WIDTH), .INDEX_WIDTH(INDEX_WIDTH)
    ) argmax (
        .scores_i(scores),
        .candidates_i(candidates),
        .found_o(found),
        .index_o(index),
        .score_o(score)
    );

    assign final_step = {{(32-STEP_WIDTH){1'b0}}, step} == TOP_K - 1;
    assign stepping = busy && (!final_step || !y_valid || y_ready_i);
    assign done = stepping && final_step;
    assign x_ready_o = !busy || done;
    assign accept = x_valid_i && x_ready_o;
    assign kept = found && |(chosen & ~full);
    assign y_valid_o = y_valid;
    assign y_data_o = {y_last, y_choices};

    genvar place;
    generate
        for (place = 0; place < EXPERTS; place = place + 1) begin : g_full
            assign full[place] =
                {{(32-COUNT_WIDTH){1'b0}}, counts[place*COUNT_WIDTH +: COUNT_WIDTH]} == CAPACITY;
        end
    endgenerate

    always @(*) begin
        chosen = {EXPERTS{1'b0}};
        counts_next = counts;
        for (expert = 0; expert < EXPERTS; expert = expert + 1) begin
            chosen[expert] = found && index == expert[INDEX_WIDTH-1:0];
            if (chosen[expert] && !full[expert])
                counts_next[expert*COUNT_WIDTH +: COUNT_WIDTH] =
                    counts[expert*COUNT_WIDTH +: COUNT_WIDTH] + ONE_TOKEN;
        end
    end

    always @(*) candidates = (REROUTE == 1) ? ~taken & ~full : ~taken;

    always @(*) begin
        choices_next = choices;
        choices_next[step*CHOICE_WIDTH +: CHOICE_WIDTH] = {kept, score, index};
    end

    always @(posedge clk_i) begin
        if (rst_i) begin
            busy <= 1'b0;
            y_valid <= 1'b0;
            step <= {STEP_WIDTH{1'b0}};
            counts <= {EXPERTS*COUNT_WIDTH{1'b0}};
        end else begin
            if (accept) busy <= 1'b1;
            else if (done) busy <= 1'b0;
            if (done) y_valid <= 1'b1;
            else if (y_ready_i) y_valid <= 1'b0;
            if (stepping) step <= final_step ? {STEP_WIDTH{1'b0}} : step + NEXT_STEP;
            if (done && last) counts <= {EXPERTS*COUNT_WIDTH{1'b0}};
            else if (stepping) counts <= counts_next;
        end
        if (accept) begin
            last <= x_data_i[EXPERTS*SCORE_WIDTH];
            scores <= x_data_i[EXPERTS*SCORE_WIDTH-1:0];
            taken <= {EXPERTS{1'b0}};
        end else if (stepping) taken <= taken | chosen;
        if (stepping) choices <= choices_next;
        if (done) begin
            y_last <= last;
            y_choices <= choices_next;
        end
    end

    // A parameter out of range stops elaboration at a module that does not exist and says what is wrong.
    generate
        if (EXPERTS < 2 || EXPERTS > 256) begin : g_refuse_experts
            EXPERTS_must_be_2_to_256 parameter_error ();
        end
        if (TOP_K < 1 || TOP_K > 8 || TOP_K > EXPERTS) begin : g_refuse_top_k
            TOP_K_must_be_1_to_8_and_at_most_EXPERTS parameter_error ();
        end
        if (SCORE_WIDTH < 2 || SCORE_WIDTH > 32) begin : g_refuse_score_width
            SCORE_WIDTH_must_be_2_to_32 parameter_error ();
        end
        if (CAPACITY < 1 || CAPACITY > 65535) begin : g_refuse_capacity
            CAPACITY_must_be_1_to_65535 parameter_error ();
        end
        if (REROUTE != 0 && REROUTE != 1) begin : g_refuse_reroute
            REROUTE_must_be_0_or_1 parameter_error ();
        end
    endgenerate
endmodule
