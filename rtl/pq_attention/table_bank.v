// Memory of 2**ADDRESS_WIDTH words, written at the clock edge, read in the cycle (distributed memory). Multipliers: 0.
module table_bank #(
    parameter ADDRESS_WIDTH = 8,
    parameter WIDTH = 16
) (
    input  wire                     clk_i,
    input  wire                     write_i,
    input  wire [ADDRESS_WIDTH-1:0] write_address_i,
    input  wire [WIDTH-1:0]         write_data_i,
    input  wire [ADDRESS_WIDTH-1:0] read_address_i,
    output wire [WIDTH-1:0]         read_data_o
);
    reg [WIDTH-1:0] words [0:(1 << ADDRESS_WIDTH)-1];
    assign read_data_o = words[read_address_i];
    always @(posedge clk_i) if (write_i) words[write_address_i] <= write_data_i;
endmodule
