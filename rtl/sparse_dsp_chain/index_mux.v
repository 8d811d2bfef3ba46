// Picks the activation that one DSP multiplies: its block by the density, the element by the weight's index.
// Density 0 gates the operand to zero. Combinational. Multipliers: 0.
module index_mux #(
    parameter BLOCK = 16,            // activations a block
    parameter ACTIVATION_WIDTH = 8   // signed
) (
    input  wire [1:0]                        density_i,  // 0, 1, 2, 3: 0, 2, 4, 8 of BLOCK
    input  wire [$clog2(BLOCK)-1:0]          index_i,
    input  wire [BLOCK*ACTIVATION_WIDTH-1:0] block_two_i,    // the DSP's block at density 2
    input  wire [BLOCK*ACTIVATION_WIDTH-1:0] block_four_i,   // at density 4
    input  wire [BLOCK*ACTIVATION_WIDTH-1:0] block_eight_i,  // at density 8
    output wire [ACTIVATION_WIDTH-1:0]       activation_o
);
    reg [BLOCK*ACTIVATION_WIDTH-1:0] block;
    always @(*) begin
        case (density_i)
            2'd1: block = block_two_i;
            2'd2: block = block_four_i;
            2'd3: block = block_eight_i;
            default: block = {BLOCK*ACTIVATION_WIDTH{1'b0}};
        endcase
    end
    assign activation_o = block[index_i*ACTIVATION_WIDTH +: ACTIVATION_WIDTH];
endmodule
