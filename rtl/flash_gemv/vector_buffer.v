// Vector buffer: one write port, one read port that answers in the same cycle. Memory: WIDTH * DEPTH bits.
module vector_buffer #(
    parameter WIDTH        = 32,  // bits of a beat
    parameter DEPTH        = 512, // beats
    parameter ADDRESS_BITS = 9    // bits of an address
) (
    input  wire                    clk_i,
    input  wire                    write_i,
    input  wire [ADDRESS_BITS-1:0] write_address_i,
    input  wire [WIDTH-1:0]        data_i,
    input  wire [ADDRESS_BITS-1:0] read_address_i,
    output wire [WIDTH-1:0]        data_o
);
    reg [WIDTH-1:0] memory [0:DEPTH-1];
    always @(posedge clk_i)
        if (write_i) memory[write_address_i] <= data_i;
    assign data_o = memory[read_address_i];
endmodule
