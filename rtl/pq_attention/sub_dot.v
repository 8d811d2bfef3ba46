// Signed dot product of two short vectors. Combinational. Multipliers: SUB_DIM.
module sub_dot #(
    parameter SUB_DIM = 2,
    parameter VALUE_WIDTH = 8,
    parameter WIDTH = 17  // 2 VALUE_WIDTH + clog2(SUB_DIM)
) (
    input  wire [SUB_DIM*VALUE_WIDTH-1:0] a_i,
    input  wire [SUB_DIM*VALUE_WIDTH-1:0] b_i,
    output reg  [WIDTH-1:0]               dot_o
);
    wire [SUB_DIM*2*VALUE_WIDTH-1:0] products;
    genvar place;
    generate
        for (place = 0; place < SUB_DIM; place = place + 1) begin : g_product
            wire signed [VALUE_WIDTH-1:0] a;
            wire signed [VALUE_WIDTH-1:0] b;
            wire signed [2*VALUE_WIDTH-1:0] product;
            assign a = a_i[place*VALUE_WIDTH +: VALUE_WIDTH];
            assign b = b_i[place*VALUE_WIDTH +: VALUE_WIDTH];
            assign product = a * b;
            assign products[place*2*VALUE_WIDTH +: 2*VALUE_WIDTH] = product;
        end
        if (WIDTH > 2*VALUE_WIDTH) begin : g_sum
            integer index;
            always @(*) begin
                dot_o = {WIDTH{1'b0}};
                for (index = 0; index < SUB_DIM; index = index + 1)
                    dot_o = dot_o + {{(WIDTH-2*VALUE_WIDTH){products[index*2*VALUE_WIDTH + 2*VALUE_WIDTH - 1]}},
                                     products[index*2*VALUE_WIDTH +: 2*VALUE_WIDTH]};
            end
        end else begin : g_single
            always @(*) dot_o = products;
        end
    endgenerate
endmodule
