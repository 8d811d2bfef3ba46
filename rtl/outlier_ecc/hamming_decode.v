// Corrects one wrong bit of a Hamming word. Combinational. Multipliers: 0.
module hamming_decode #(
    parameter DATA = 6,  // data bits
    parameter CHECK = 4  // check bits
) (
    input  wire [DATA-1:0]  data_i,
    input  wire [CHECK-1:0] check_i,
    output reg  [DATA-1:0]  data_o
);
    wire [DATA*CHECK-1:0] columns;
    reg  [CHECK-1:0] syndrome;
    integer place;
    hamming_columns #(
        .DATA(DATA), .CHECK(CHECK)
    ) matrix (
        .columns_o(columns)
    );
    always @(*) begin
        syndrome = check_i;
        for (place = 0; place < DATA; place = place + 1)
            if (data_i[place]) syndrome = syndrome ^ columns[place*CHECK +: CHECK];
        for (place = 0; place < DATA; place = place + 1)
            data_o[place] = data_i[place] ^ (syndrome == columns[place*CHECK +: CHECK]);
    end
endmodule
