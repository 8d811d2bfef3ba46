// Accumulates a stream of signed sums into one result a packet: y = initial + sum of sum_i, modulo 2**WIDTH.
// first_o is high while the next accepted beat opens a packet; initial_i is read with that beat.
// Latency, first accepted beat to result: beats + PIPELINE + 1 cycles counting both ends; throughput: a beat a cycle.
// The whole pipe holds while a result waits; ready_o follows y_ready_i in the same cycle.
module stream_accumulator #(
    parameter WIDTH = 32,   // bits of sums and result
    parameter PIPELINE = 0  // registers before the accumulator, 0 or 1
) (
    input  wire             clk_i,
    input  wire             rst_i,
    input  wire             valid_i,
    output wire             ready_o,
    output wire             first_o,
    input  wire             last_i,
    input  wire [WIDTH-1:0] initial_i,
    input  wire [WIDTH-1:0] sum_i,
    output wire             y_valid_o,
    input  wire             y_ready_i,
    output wire [WIDTH-1:0] y_data_o
);
    wire advance;
    reg  first;
    reg  y_valid;
    reg  [WIDTH-1:0] accumulator;
    wire stage_valid;
    wire stage_first;
    wire stage_last;
    wire [WIDTH-1:0] stage_initial;
    wire [WIDTH-1:0] stage_sum;

    assign advance = !y_valid || y_ready_i;
    assign ready_o = advance;
    assign first_o = first;
    assign y_valid_o = y_valid;
    assign y_data_o = accumulator;

    always @(posedge clk_i) begin
        if (rst_i) first <= 1'b1;
        else if (valid_i && advance) first <= last_i;
    end

    generate
        if (PIPELINE == 0) begin : g_direct
            assign stage_valid = valid_i;
            assign stage_first = first;
            assign stage_last = last_i;
            assign stage_initial = initial_i;
            assign stage_sum = sum_i;
        end else begin : g_register
            reg valid_r;
            reg first_r;
            reg last_r;
            reg [WIDTH-1:0] initial_r;
            reg [WIDTH-1:0] sum_r;
            always @(posedge clk_i) begin
                if (rst_i) valid_r <= 1'b0;
                else if (advance) valid_r <= valid_i;
                if (advance) begin
                    first_r <= first;
                    last_r <= last_i;
                    initial_r <= initial_i;
                    sum_r <= sum_i;
                end
            end
            assign stage_valid = valid_r;
            assign stage_first = first_r;
            assign stage_last = last_r;
            assign stage_initial = initial_r;
            assign stage_sum = sum_r;
        end
    endgenerate

    always @(posedge clk_i) begin
        if (rst_i) y_valid <= 1'b0;
        else if (advance) y_valid <= stage_valid && stage_last;
        if (advance && stage_valid) accumulator <= (stage_first ? stage_initial : accumulator) + stage_sum;
    end
endmodule
