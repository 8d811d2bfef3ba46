// FIFO: DEPTH beats in a memory, first word falls through. Latency 1, one beat a cycle.
// Neither output depends on an input of the same cycle. Memory: WIDTH * DEPTH bits.
module fifo #(
    parameter WIDTH = 8,  // bits of data
    parameter DEPTH = 4   // beats, 1 or more, not only powers of two
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
    localparam ADDRESS_BITS = (DEPTH > 1) ? $clog2(DEPTH) : 1;
    localparam COUNT_BITS   = $clog2(DEPTH + 1);
    localparam [31:0] LAST_32 = DEPTH - 1;
    localparam [31:0] FULL_32 = DEPTH;
    localparam [ADDRESS_BITS-1:0] LAST = LAST_32[ADDRESS_BITS-1:0];
    localparam [COUNT_BITS-1:0]   FULL = FULL_32[COUNT_BITS-1:0];
    localparam [ADDRESS_BITS-1:0] STEP = 1;
    localparam [COUNT_BITS-1:0]   ONE  = 1;

    reg [WIDTH-1:0]        memory [0:DEPTH-1];
    reg [ADDRESS_BITS-1:0] write_address;
    reg [ADDRESS_BITS-1:0] read_address;
    reg [COUNT_BITS-1:0]   count;

    assign in_ready_o  = (count != FULL);
    assign out_valid_o = (count != {COUNT_BITS{1'b0}});
    assign out_data_o  = memory[read_address];

    wire push = in_valid_i && in_ready_o;
    wire pop  = out_valid_o && out_ready_i;

    always @(posedge clk_i)
        if (push) memory[write_address] <= in_data_i;

    always @(posedge clk_i)
        if (rst_i) begin
            write_address <= {ADDRESS_BITS{1'b0}};
            read_address  <= {ADDRESS_BITS{1'b0}};
            count         <= {COUNT_BITS{1'b0}};
        end else begin
            if (push) write_address <= (write_address == LAST) ? {ADDRESS_BITS{1'b0}} : write_address + STEP;
            if (pop) read_address <= (read_address == LAST) ? {ADDRESS_BITS{1'b0}} : read_address + STEP;
            if (push && !pop) count <= count + ONE;
            if (pop && !push) count <= count - ONE;
        end
endmodule
