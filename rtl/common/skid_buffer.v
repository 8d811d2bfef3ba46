// Skid buffer: registers valid, ready and data of a stream. Latency 1, one beat a cycle.
// ready_o is a register: no combinational path from ready_i. Registers: 2 * WIDTH + 2.
module skid_buffer #(
    parameter WIDTH = 8  // bits of data
) (
    input  wire             clk_i,
    input  wire             rst_i,
    input  wire             in_valid_i,
    output wire             in_ready_o,
    input  wire [WIDTH-1:0] in_data_i,
    output wire             out_valid_o,
    input  wire             out_ready_i,
    output wire [WIDTH-1:0] out_data_o
);
    reg             valid;  // out_data is a beat
    reg             full;   // skid holds a second beat
    reg [WIDTH-1:0] data;
    reg [WIDTH-1:0] skid;

    assign in_ready_o  = !full;
    assign out_valid_o = valid;
    assign out_data_o  = data;

    wire accept = in_valid_i && !full;
    wire leave  = out_ready_i || !valid;

    always @(posedge clk_i)
        if (rst_i) begin
            valid <= 1'b0;
            full  <= 1'b0;
        end else begin
            if (leave) valid <= full || accept;
            if (leave) full <= 1'b0;
            else if (accept) full <= 1'b1;
        end

    always @(posedge clk_i) begin
        if (leave) data <= full ? skid : in_data_i;
        if (accept) skid <= in_data_i;
    end
endmodule
